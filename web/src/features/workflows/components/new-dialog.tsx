import { Modal } from "antd";

import { texts } from "@/shared/texts";

import { Beginnings } from "./beginnings";

interface Props {
  isOpen: boolean;
  onClose: () => void;
}

const WIDTH = 1000;

/** Asks what a new workflow begins from. */
export function NewDialog({ isOpen, onClose }: Props) {
  return (
    <Modal
      open={isOpen}
      title={texts.workflows.beginnings.title}
      width={WIDTH}
      footer={null}
      onCancel={onClose}
      destroyOnHidden
    >
      <Beginnings />
    </Modal>
  );
}
