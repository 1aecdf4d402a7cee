import { Button } from "antd";
import { useState } from "react";
import { useDispatch } from "react-redux";
import { useNavigate } from "react-router";

import { api } from "@/shared/api/base-api";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useRemovePluginMutation } from "../api/remove-plugin";
import { useSwitchPluginMutation } from "../api/switch-plugin";
import type { Plugin } from "../logic/review";

const words = texts.plugins.overview;

/** Switching it on and off, and removing it. */
export function PluginActions({ plugin }: { plugin: Plugin }) {
  const maySwitch = useMay("operator", plugin.name);
  const mayRemove = useMay("admin", plugin.name) && plugin.trust === "sandboxed";
  return (
    <>
      {maySwitch && <Switch plugin={plugin} />}
      {mayRemove && <Remove name={plugin.name} />}
    </>
  );
}

const TO_ENABLE = { disabled: words.enable, quarantined: words.enable, rejected: words.tryAgain };

function Switch({ plugin: { name, state } }: { plugin: Plugin }) {
  const [isAsking, setAsking] = useState(false);
  const [change, { isLoading, error, reset }] = useSwitchPluginMutation();
  const disable = async () => {
    const answer = await change({ plugin: name, state: "disabled" });
    if (!answer.error) setAsking(false);
  };
  const close = () => {
    setAsking(false);
    reset();
  };
  const enable = state in TO_ENABLE ? TO_ENABLE[state as keyof typeof TO_ENABLE] : undefined;
  return (
    <>
      {!isAsking && <ProblemNotice problem={error} />}
      {enable && (
        <Button
          type="primary"
          loading={isLoading}
          aria-label={enable}
          onClick={() => void change({ plugin: name, state: "enabled" })}
        >
          {enable}
        </Button>
      )}
      {state !== "disabled" && <Button onClick={() => setAsking(true)}>{words.disable}</Button>}
      <ConfirmDialog
        isOpen={isAsking}
        title={words.disableTitle(name)}
        action={words.disable}
        isBusy={isLoading}
        problem={error}
        onConfirm={() => void disable()}
        onClose={close}
      >
        {words.disableText}
      </ConfirmDialog>
    </>
  );
}

function Remove({ name }: { name: string }) {
  const [isAsking, setAsking] = useState(false);
  const [remove, { isLoading, error, reset }] = useRemovePluginMutation();
  const navigate = useNavigate();
  const dispatch = useDispatch();
  const confirm = async () => {
    const answer = await remove(name);
    if (answer.error) return;
    await navigate("/plugins");
    dispatch(api.util.invalidateTags(["Plugin"])); // not before: this page would ask for what is gone
  };
  const close = () => {
    setAsking(false);
    reset();
  };
  return (
    <>
      <Button danger onClick={() => setAsking(true)}>
        {words.remove}
      </Button>
      <ConfirmDialog
        isOpen={isAsking}
        title={words.removeTitle(name)}
        action={words.remove}
        name={name}
        isBusy={isLoading}
        problem={error}
        onConfirm={() => void confirm()}
        onClose={close}
      >
        {words.removeText}
      </ConfirmDialog>
    </>
  );
}
