import { Collapse } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { JsonView } from "@/shared/ui/json-view";

import { SchemaTable } from "./schema-table";
import styles from "./functions.module.css";

const words = texts.plugins.calls;

/** What a function takes and gives: readable, and as it is written. */
export function FunctionSchemas({ view }: { view: Schemas["Function"] }) {
  return (
    <Collapse
      ghost
      size="small"
      className={styles["schemas"] ?? ""}
      items={[
        {
          key: "schemas",
          label: words.schemas,
          children: (
            <div className={styles["sides"]}>
              <Side
                title={words.takes}
                schema={view.input}
                media={view.input_media}
                label={words.inputSchema}
              />
              <Side
                title={words.gives}
                schema={view.output}
                media={view.output_media}
                label={words.outputSchema}
              />
            </div>
          ),
        },
      ]}
    />
  );
}

interface SideProps {
  title: string;
  schema: Record<string, unknown> | null;
  media: string;
  label: string;
}

function Side({ title, schema, media, label }: SideProps) {
  return (
    <section className={styles["side"]}>
      <h3>{title}</h3>
      {schema ? (
        <>
          <SchemaTable schema={schema} />
          <JsonView value={schema} label={label} maxHeight={260} />
        </>
      ) : (
        <p className={styles["muted"]}>{words.bytes(media)}</p>
      )}
    </section>
  );
}
