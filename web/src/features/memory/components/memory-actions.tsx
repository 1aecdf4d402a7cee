import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { Button } from "antd";
import { useState } from "react";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";

import { useConsolidateMutation } from "../api/consolidate";
import { ConsolidatedDialog } from "./consolidated-dialog";
import { StoreDialog } from "./store-dialog";

/** What can be done with memory as a whole. */
export function MemoryActions() {
  const mayStore = useMay("operator");
  const [isStoring, setStoring] = useState(false);
  const [consolidate, { data, error, isLoading, reset }] = useConsolidateMutation();
  if (!mayStore) return null;
  const { store, consolidate: words } = texts.memory;
  return (
    <>
      <Button
        title={words.hint}
        aria-label={words.action}
        loading={isLoading}
        onClick={() => void consolidate()}
      >
        {words.action}
      </Button>
      <Button
        type="primary"
        icon={<PlusOutlined />}
        aria-label={store.title}
        onClick={() => setStoring(true)}
      >
        {store.title}
      </Button>
      <StoreDialog isOpen={isStoring} onClose={() => setStoring(false)} />
      <ConsolidatedDialog report={data} problem={error} onClose={reset} />
    </>
  );
}
