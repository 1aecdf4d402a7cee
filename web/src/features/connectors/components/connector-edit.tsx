import { Modal } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { useChangeConnectorMutation } from "../api/change-connector";
import { useListKindsQuery } from "../api/list-kinds";
import { connectorSchema, given } from "../logic/schema";
import { LIMITS } from "../logic/limits";

interface Props {
  connector: Schemas["Connector"];
  onClose: () => void;
}

const words = texts.connectors.form;

/** Changes settings and limits; credentials that are left empty stay as they are. */
export function ConnectorEdit({ connector, onClose }: Props) {
  const { data, error: unread, isLoading } = useListKindsQuery();
  const [change, { error, isLoading: isBusy }] = useChangeConnectorMutation();
  const kind = data?.items.find(({ name }) => name === connector.kind);
  const submit = async (value: unknown) => {
    const all = { config: {}, limits: {}, ...given(value) };
    const answer = await change({ name: connector.name, change: all });
    if (!answer.error) onClose();
  };
  return (
    <Modal
      open
      title={words.editTitle(connector.name)}
      width={720}
      footer={null}
      onCancel={onClose}
      mask={{ closable: false }}
    >
      {isLoading && <Loading rows={6} />}
      {kind && (
        <SchemaForm
          {...withLimits(connectorSchema(kind, false))}
          value={{ config: connector.config, limits: connector.limits }}
          submit={words.save}
          isBusy={isBusy}
          onSubmit={(value) => void submit(value)}
        />
      )}
      <ProblemNotice problem={error ?? unread} />
    </Modal>
  );
}

function withLimits({ schema, uiSchema }: ReturnType<typeof connectorSchema>) {
  const properties = schema["properties"] as object;
  return { schema: { ...schema, properties: { ...properties, limits: LIMITS } }, uiSchema };
}
