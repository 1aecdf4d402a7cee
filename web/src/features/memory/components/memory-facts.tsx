import { Button } from "antd";
import type { ReactNode } from "react";

import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { CopyButton } from "@/shared/ui/copy-button";
import { Facts } from "@/shared/ui/facts";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";

import { ownerName, tierName } from "../logic/policy";
import { scored } from "../logic/score";
import styles from "./memory.module.css";

interface Props {
  memory: Schemas["Memory"];
  onShow: (id: string) => void;
}

/** Who wrote it, when and from what; how long it stays. */
export function MemoryFacts({ memory, onShow }: Props) {
  const words = texts.memory.detail;
  const { superseded_by: by } = memory;
  const facts: [string, ReactNode][] = [
    [
      words.state,
      <StateTag
        key="state"
        state={memory.state}
        tone={memory.state === "live" ? "good" : "warn"}
        label={words.states[memory.state] ?? memory.state}
      />,
    ],
    [texts.memory.tier, tierName(memory.tier)],
    [texts.memory.owner, ownerName(memory.owner)],
    [words.writer, memory.writer],
    [words.call, memory.call ?? undefined],
    [words.source, memory.source ?? undefined],
    [texts.memory.stored, <TimeAgo key="stored" at={memory.created_at} />],
    [words.lastUsed, <LastUsed key="used" memory={memory} />],
    [
      texts.memory.importance,
      memory.judged ? `${scored(memory.importance)} (${texts.memory.judged})` : scored(memory.importance),
    ],
    [words.expires, <Expires key="expires" memory={memory} />],
    [
      words.valid,
      memory.valid_from != null || memory.valid_to != null ? <Valid memory={memory} /> : undefined,
    ],
    [
      words.superseded,
      by == null ? undefined : (
        <Button key="by" type="link" className={styles["id"] ?? ""} onClick={() => onShow(by)}>
          {by}
        </Button>
      ),
    ],
    [
      words.id,
      <span key="id">
        <code>{memory.id}</code> <CopyButton text={memory.id} label={words.copyId} />
      </span>,
    ],
  ];
  return <Facts facts={facts} />;
}

function LastUsed({ memory }: { memory: Schemas["Memory"] }) {
  const uses = memory.hits;
  return (
    <>
      {uses > 0 ? <TimeAgo at={memory.accessed_at} /> : texts.common.never} ({texts.memory.uses.toLowerCase()}
      : {uses})
    </>
  );
}

function Expires({ memory }: { memory: Schemas["Memory"] }) {
  const words = texts.memory.detail;
  if (memory.pinned) return <>{`${words.expiresNever}: ${words.pinned}`}</>;
  return memory.expires_at == null ? <>{words.expiresNever}</> : <TimeAgo at={memory.expires_at} />;
}

function Valid({ memory }: { memory: Schemas["Memory"] }) {
  const words = texts.memory.detail;
  return (
    <>
      {memory.valid_from != null && (
        <span>
          {words.validFrom} <TimeAgo at={memory.valid_from} />{" "}
        </span>
      )}
      {memory.valid_to != null && (
        <span>
          {words.validTo} <TimeAgo at={memory.valid_to} />
        </span>
      )}
    </>
  );
}
