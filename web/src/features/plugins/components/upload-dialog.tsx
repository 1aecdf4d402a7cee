import InboxOutlined from "@ant-design/icons/InboxOutlined";
import { Button, Modal } from "antd";
import { useEffect, useRef } from "react";
import { useNavigate } from "react-router";

import { texts } from "@/shared/texts";

import { pluginPath, reviewTab } from "../logic/review";
import { useUploads } from "../use-uploads";
import { UploadItem } from "./upload-item";
import styles from "./upload.module.css";

interface Props {
  isOpen: boolean;
  /** Files that were let go on the page; taken up once. */
  dropped: File[];
  onTaken: () => void;
  onClose: () => void;
}

const words = texts.plugins.upload;

/** Chooses files, sends them, and says what the host makes of each. One file alone leads on to its review. */
export function UploadDialog({ isOpen, dropped, onTaken, onClose }: Props) {
  const { uploads, isBusy, add, forget } = useUploads();
  const navigate = useNavigate();
  const input = useRef<HTMLInputElement>(null);

  const isHere = useRef(false);
  useEffect(() => {
    isHere.current = isOpen;
    return () => {
      isHere.current = false;
    };
  }, [isOpen]);

  const begin = async (files: readonly File[]) => {
    const taken = await add(files);
    const only = taken.length === 1 ? taken[0] : undefined;
    if (only && isHere.current) await navigate(pluginPath(only.name, reviewTab(only)));
  };
  useEffect(() => {
    if (dropped.length === 0) return;
    onTaken();
    void begin(dropped);
  });

  return (
    <Modal
      open={isOpen}
      title={words.title}
      footer={null}
      onCancel={onClose}
      afterClose={forget}
      mask={{ closable: !isBusy }}
      width={620}
      destroyOnHidden
    >
      <div className={styles["area"]}>
        <InboxOutlined aria-hidden />
        <p>{words.area}</p>
        <p className={styles["hint"]}>{words.areaHint}</p>
        <input
          ref={input}
          type="file"
          hidden
          multiple
          accept=".wasm,.wat,.toml"
          aria-label={words.files}
          onChange={(event) => {
            const files = [...(event.target.files ?? [])];
            event.target.value = ""; // the same file can be chosen again
            if (files.length > 0) void begin(files);
          }}
        />
        <Button onClick={() => input.current?.click()}>{words.choose}</Button>
      </div>
      {uploads.length > 0 && (
        <ul className={styles["files"]} aria-label={words.files}>
          {uploads.map((one) => (
            <UploadItem key={one.key} upload={one} />
          ))}
        </ul>
      )}
    </Modal>
  );
}
