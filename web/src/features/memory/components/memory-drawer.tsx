import { Drawer } from "antd";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { JsonView } from "@/shared/ui/json-view";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useShowMemoryQuery } from "../api/show-memory";
import { relatedOf } from "../logic/edges";
import { MemoryButtons } from "./memory-buttons";
import { MemoryFacts } from "./memory-facts";
import styles from "./memory.module.css";
import { RelatedMemory } from "./related-memory";

interface Props {
  /** Nothing is open without one. */
  id: string | undefined;
  onShow: (id: string) => void;
  onClose: () => void;
}

/** All that is known of one memory. */
export function MemoryDrawer({ id, onShow, onClose }: Props) {
  return (
    <Drawer
      open={id !== undefined}
      title={texts.memory.detail.title}
      size={Math.min(640, window.innerWidth)}
      onClose={onClose}
      destroyOnHidden
    >
      {id !== undefined && <Content key={id} id={id} onShow={onShow} onClose={onClose} />}
    </Drawer>
  );
}

function Content({ id, onShow, onClose }: { id: string; onShow: (id: string) => void; onClose: () => void }) {
  const { data: memory, error, isLoading, refetch } = useShowMemoryQuery(id);
  if (isLoading) return <Loading rows={8} />;
  if (!memory || error) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  const words = texts.memory.detail;
  const hasMetadata = Object.keys(memory.metadata).length > 0;
  return (
    <div className={styles["drawer"]}>
      <p className={styles["whole"]}>{memory.text}</p>
      <MemoryButtons memory={memory} onShow={onShow} onClose={onClose} />
      <section>
        <h2>{words.about}</h2>
        <MemoryFacts memory={memory} onShow={onShow} />
      </section>
      <section>
        <h2>{words.edges}</h2>
        <Edges memory={memory} onShow={onShow} />
      </section>
      <section>
        <h2>{words.metadata}</h2>
        {hasMetadata ? (
          <JsonView value={memory.metadata} label={words.metadata} />
        ) : (
          <p className={styles["muted"]}>{words.noMetadata}</p>
        )}
      </section>
    </div>
  );
}

function Edges({ memory, onShow }: { memory: Schemas["Memory"]; onShow: (id: string) => void }) {
  const edges = memory.edges ?? [];
  if (edges.length === 0) return <p className={styles["muted"]}>{texts.memory.detail.noEdges}</p>;
  return (
    <ul className={styles["edges"]}>
      {edges.map((edge) => {
        const related = relatedOf(edge, memory.id);
        return <RelatedMemory key={related.key} related={related} onShow={onShow} />;
      })}
    </ul>
  );
}
