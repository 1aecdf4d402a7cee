import { render, screen } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { expect, it, vi } from "vitest";

import { ConfirmDialog } from "./confirm-dialog";
import { ProblemNotice } from "./problem-notice";
import { relative } from "./time-ago";

it("confirms what cannot be undone only with the name typed", async () => {
  const onConfirm = vi.fn();
  render(
    <ConfirmDialog
      isOpen
      title="Remove counter?"
      action="Remove"
      name="counter"
      onConfirm={onConfirm}
      onClose={vi.fn()}
    >
      Its data go too.
    </ConfirmDialog>,
  );
  const button = screen.getByRole("button", { name: "Remove" });
  expect(button).toBeDisabled();
  await userEvent.type(screen.getByLabelText("Type counter to confirm"), "counte");
  expect(button).toBeDisabled();
  await userEvent.type(screen.getByLabelText("Type counter to confirm"), "r");
  await userEvent.click(button);
  expect(onConfirm).toHaveBeenCalledOnce();
});

it("shows what happened and what to do, as text", () => {
  render(
    <ProblemNotice
      problem={{ status: 403, code: "denied", fact: "<b>no</b>", remedy: "grant kv", details: {} }}
    />,
  );
  expect(screen.getByRole("alert")).toHaveTextContent("<b>no</b>.Grant kv.denied");
});

it("says times as one thinks of them", () => {
  expect(relative(1000, 1002)).toBe("just now");
  expect(relative(1000, 1130)).toBe("2 minutes ago");
  expect(relative(1000 + 7200, 1000)).toBe("in 2 hours");
});
