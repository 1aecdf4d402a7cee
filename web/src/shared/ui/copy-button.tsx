import CheckOutlined from "@ant-design/icons/CheckOutlined";
import CopyOutlined from "@ant-design/icons/CopyOutlined";
import { Button } from "antd";
import { useEffect, useState } from "react";

import { texts } from "@/shared/texts";

interface Props {
  text: string;
  /** What is copied, for who cannot see it: Copy the token. */
  label?: string;
}

const SHOWN_MS = 1500;

/** Puts a text on the clipboard and says so. */
export function CopyButton({ text, label = texts.common.copy }: Props) {
  const [isCopied, setCopied] = useState(false);
  useEffect(() => {
    if (!isCopied) return;
    const timer = setTimeout(() => setCopied(false), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [isCopied]);
  return (
    <Button
      size="small"
      type="text"
      icon={isCopied ? <CheckOutlined /> : <CopyOutlined />}
      aria-label={isCopied ? texts.common.copied : label}
      title={isCopied ? texts.common.copied : label}
      onClick={() => void copy(text).then(setCopied)}
    />
  );
}

async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return copyBySelection(text); // without HTTPS there is no clipboard
  }
}

function copyBySelection(text: string): boolean {
  const area = document.createElement("textarea");
  area.value = text;
  document.body.append(area);
  area.select();
  // eslint-disable-next-line @typescript-eslint/no-deprecated -- the only way on plain HTTP
  const isDone = document.execCommand("copy");
  area.remove();
  return isDone;
}
