import { addressOf } from "@/shared/api/prefix";
import PlusOutlined from "@ant-design/icons/PlusOutlined";
import { AutoComplete, Button } from "antd";
import { useState } from "react";

import { useMay } from "@/shared/hooks/use-may";
import { texts } from "@/shared/texts";
import { CodeBlock } from "@/shared/ui/code-block";
import { Field } from "@/shared/ui/field";

import { useListWorkflowWebhooksQuery } from "../../api/list-workflow-webhooks";
import { WebhookDialog } from "./webhook-dialog";

const words = texts.workflowsEditor.forms.hook;

interface Props {
  label: string;
  value: unknown;
  onChange: (value: unknown) => void;
}

/** A webhook by its name, with the address that deliveries go to; one that is not there yet is made here. */
export function WebhookField({ label, value, onChange }: Props) {
  const { data } = useListWorkflowWebhooksQuery();
  const mayMake = useMay("admin");
  const [isOpen, setOpen] = useState(false);
  const name = typeof value === "string" ? value : "";
  const found = data?.items.find((one) => one.name === name);
  return (
    <div>
      <Field label={label} error={data && !found ? words.missing : undefined}>
        {(input) => (
          <AutoComplete
            id={input.id}
            style={{ width: "100%" }}
            value={name}
            options={(data?.items ?? []).map((one) => ({ value: one.name }))}
            onChange={onChange}
          />
        )}
      </Field>
      {found && <CodeBlock label={words.address} text={addressOf(found.path)} />}
      {data && !found && mayMake && (
        <Button size="small" icon={<PlusOutlined aria-hidden />} onClick={() => setOpen(true)}>
          {words.make}
        </Button>
      )}
      <WebhookDialog isOpen={isOpen} name={name} onMade={onChange} onClose={() => setOpen(false)} />
    </div>
  );
}
