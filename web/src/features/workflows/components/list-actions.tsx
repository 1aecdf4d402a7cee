import ImportOutlined from "@ant-design/icons/ImportOutlined";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button } from "antd";
import { useNavigate, useSearchParams } from "react-router";

import { useAddress } from "@/shared/hooks/use-address";
import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import { ImportDialog } from "./import-dialog";

const words = texts.workflows;

/** New ones: built in the editor or read from a file. */
export function ListActions() {
  const mayEdit = useMay("admin");
  const navigate = useNavigate();
  const [query] = useSearchParams();
  const change = useAddress();
  if (!mayEdit) return null;
  return (
    <>
      <Button icon={<ImportOutlined />} onClick={() => change({ import: "" })}>
        {words.importFile}
      </Button>
      <Button type="primary" icon={<PlusOutlined />} onClick={() => void navigate("/workflows/new")}>
        {words.add}
      </Button>
      <ImportDialog isOpen={query.has("import")} onClose={() => change({ import: undefined })} />
    </>
  );
}
