import ImportOutlined from "@ant-design/icons/ImportOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button } from "antd";
import { useSearchParams } from "react-router";

import { useAddress } from "@/shared/hooks/use-address";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import { ImportDialog } from "./import-dialog";
import { NewDialog } from "./new-dialog";

const words = texts.workflows;

/** New ones: built in the editor, from nothing or from one that is there, or read from a text. */
export function ListActions() {
  const mayEdit = useMay("admin");
  const [query] = useSearchParams();
  const change = useAddress();
  if (!mayEdit) return null;
  return (
    <>
      <Button icon={<ImportOutlined aria-hidden />} onClick={() => change({ import: "" })}>
        {words.importFile}
      </Button>
      <Button type="primary" icon={<PlusOutlined aria-hidden />} onClick={() => change({ new: "" })}>
        {words.add}
      </Button>
      <ImportDialog isOpen={query.has("import")} onClose={() => change({ import: undefined })} />
      <NewDialog isOpen={query.has("new")} onClose={() => change({ new: undefined })} />
    </>
  );
}
