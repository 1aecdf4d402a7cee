import MoreOutlined from "@ant-design/icons/MoreOutlined";
import { Button, Dropdown, Modal } from "antd";
import { useState } from "react";
import { useNavigate } from "react-router";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { ConfirmDialog } from "@/shared/ui/confirm-dialog";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useRemoveWorkflowMutation } from "../api/remove-workflow";
import { useLazyGetWorkflowQuery } from "../editor/api/get-workflow";
import { saveText } from "../save-text";
import { DuplicateDialog } from "./duplicate-dialog";

interface Props {
  id: string;
  title: string;
}

const words = texts.workflows;

/** What is done seldom: edit, duplicate, download, remove. */
export function WorkflowMenu({ id, title }: Props) {
  const mayEdit = useMay("admin");
  const navigate = useNavigate();
  const [asked, setAsked] = useState<"duplicate" | "remove">();
  const [problem, setProblem] = useState<unknown>();
  const [read] = useLazyGetWorkflowQuery();
  const download = async () => {
    const { data, error } = await read(id);
    setProblem(error);
    if (data) saveText(data.text, `${id}.yaml`);
  };
  const run: Record<string, () => void> = {
    edit: () => void navigate(`/workflows/${encodeURIComponent(id)}/edit`),
    duplicate: () => setAsked("duplicate"),
    download: () => void download(),
    remove: () => setAsked("remove"),
  };
  const items = [
    ...(mayEdit ? [{ key: "edit", label: words.edit }] : []),
    ...(mayEdit ? [{ key: "duplicate", label: words.duplicate }] : []),
    { key: "download", label: words.download },
    ...(mayEdit ? [{ key: "remove", label: words.remove, danger: true }] : []),
  ];
  const close = () => setAsked(undefined);
  return (
    <>
      <Dropdown menu={{ items, onClick: ({ key }) => run[key]?.() }} trigger={["click"]}>
        <Button
          size="small"
          type="text"
          icon={<MoreOutlined aria-hidden />}
          aria-label={words.actionsOf(title)}
        />
      </Dropdown>
      <Modal
        open={problem !== undefined}
        title={words.download}
        footer={null}
        onCancel={() => setProblem(undefined)}
      >
        <ProblemNotice problem={problem} />
      </Modal>
      <DuplicateDialog isOpen={asked === "duplicate"} id={id} title={title} onClose={close} />
      <RemoveDialog isOpen={asked === "remove"} id={id} onClose={close} />
    </>
  );
}

function RemoveDialog({ isOpen, id, onClose }: { isOpen: boolean; id: string; onClose: () => void }) {
  const [remove, { error, isLoading, reset }] = useRemoveWorkflowMutation();
  const navigate = useNavigate();
  const confirm = async () => {
    const answer = await remove(id);
    if (answer.error) return;
    onClose();
    await navigate("/workflows");
  };
  return (
    <ConfirmDialog
      isOpen={isOpen}
      title={words.removeTitle(id)}
      action={words.remove}
      name={id}
      isBusy={isLoading}
      problem={error}
      onConfirm={() => void confirm()}
      onClose={() => {
        reset();
        onClose();
      }}
    >
      {words.removeText}
    </ConfirmDialog>
  );
}
