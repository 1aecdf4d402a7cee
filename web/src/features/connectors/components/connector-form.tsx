import { Button, Modal } from "antd";
import { useState } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { SchemaForm } from "@/shared/ui/schema-form/schema-form";

import { useAddConnectorMutation } from "../api/add-connector";
import { useListKindsQuery } from "../api/list-kinds";
import { connectorSchema, given } from "../logic/schema";
import { KindCards } from "./kind-cards";
import styles from "./connectors.module.css";

interface Props {
  isOpen: boolean;
  onDone: (name: string) => void;
  onClose: () => void;
}

const words = texts.connectors;

/** Adds a connector: first its kind, then what that kind needs. */
export function ConnectorForm({ isOpen, onDone, onClose }: Props) {
  return (
    <Modal
      open={isOpen}
      title={words.add}
      width={720}
      footer={null}
      onCancel={onClose}
      mask={{ closable: false }} // a click beside it would throw away what was typed
      destroyOnHidden
    >
      <Steps onDone={onDone} />
    </Modal>
  );
}

function Steps({ onDone }: { onDone: (name: string) => void }) {
  const { data, error, isLoading, refetch } = useListKindsQuery();
  const [kind, setKind] = useState<Schemas["ConnectorKind"]>();
  if (isLoading) return <Loading rows={6} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (!kind) return <KindCards kinds={data.items} onChoose={setKind} />;
  return <KindForm kind={kind} onDone={onDone} onBack={() => setKind(undefined)} />;
}

interface KindProps {
  kind: Schemas["ConnectorKind"];
  onDone: (name: string) => void;
  onBack: () => void;
}

function KindForm({ kind, onDone, onBack }: KindProps) {
  const [add, { error, isLoading }] = useAddConnectorMutation();
  const { schema, uiSchema } = connectorSchema(kind, true);
  const submit = async (value: unknown) => {
    const order = { ...given(value), kind: kind.name } as Schemas["ConnectorOrder"];
    const answer = await add(order);
    if (!answer.error) onDone(answer.data.name);
  };
  return (
    <div className={styles["column"]}>
      <p className={styles["muted"]}>
        <strong>{kind.title}</strong>: {kind.description}{" "}
        {kind.docs && (
          <a href={kind.docs} target="_blank" rel="noreferrer">
            {words.form.docs}
          </a>
        )}
      </p>
      <SchemaForm
        schema={schema}
        uiSchema={uiSchema}
        submit={words.add}
        isBusy={isLoading}
        onSubmit={(value) => void submit(value)}
      >
        <Button onClick={onBack}>{words.form.otherKind}</Button>
      </SchemaForm>
      <ProblemNotice problem={error} />
    </div>
  );
}
