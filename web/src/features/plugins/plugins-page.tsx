import UploadOutlined from "@ant-design/icons/UploadOutlined";
import { Button } from "antd";
import { useState } from "react";
import { useSearchParams } from "react-router";

import { useAddress } from "@/shared/hooks/use-address";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { PageHeader } from "@/shared/ui/page-header";

import { DropOverlay } from "./components/drop-overlay";
import { PluginFilters } from "./components/plugin-filters";
import { PluginList } from "./components/plugin-list";
import { RolloutsUnderWay } from "./components/rollouts-under-way";
import { UploadDialog } from "./components/upload-dialog";
import { useFileDrop } from "./use-file-drop";

const words = texts.plugins.list;

/** All plugins, rejected files among them; the way in for new ones. */
export function PluginsPage() {
  const [params] = useSearchParams();
  const mayUpload = useMay("admin");
  const [dropped, setDropped] = useState<File[]>([]);
  const filter = { state: stateOf(params.get("state")), q: (params.get("q") ?? "").slice(0, 200) };
  const isUploading = mayUpload && params.has("upload");

  const change = useAddress();
  const upload = () => change({ upload: "" }, { isStep: true });
  const isOver = useFileDrop(mayUpload, (files) => {
    setDropped(files);
    upload();
  });

  return (
    <>
      <PageHeader
        title={words.title}
        lead={words.lead}
        actions={
          mayUpload && (
            <Button type="primary" icon={<UploadOutlined />} aria-label={words.upload} onClick={upload}>
              {words.upload}
            </Button>
          )
        }
      />
      <RolloutsUnderWay />
      <PluginFilters
        filter={filter}
        onState={(state) => change({ state: state || undefined })}
        onSearch={(q) => change({ q: q || undefined })}
      />
      <PluginList
        filter={filter}
        onUpload={mayUpload ? upload : undefined}
        onShowAll={() => change({ state: undefined, q: undefined })}
      />
      {mayUpload && (
        <UploadDialog
          isOpen={isUploading}
          dropped={dropped}
          onTaken={() => setDropped([])}
          onClose={() => change({ upload: undefined })}
        />
      )}
      {isOver && <DropOverlay />}
    </>
  );
}

function stateOf(text: string | null): string {
  return text !== null && Object.hasOwn(words.states, text) ? text : "";
}
