import { Select } from "antd";

import { rowsOf } from "@/shared/api/cursor-pages";
import { texts } from "@/shared/texts";

import { useListMemoryOwnersInfiniteQuery } from "../api/list-owners";
import { ownerName } from "../logic/policy";
import { HOST, SHARED } from "../logic/question";
import styles from "./memory.module.css";

interface Props {
  id?: string;
  "aria-describedby"?: string;
  value: string;
  onChange: (owner: string) => void;
}

/** Whose memories: the host's own, or those of a plugin that has some. */
export function OwnerSelect({ value, onChange, ...input }: Props) {
  const { data } = useListMemoryOwnersInfiniteQuery();
  const owners = rowsOf(data).map(({ owner }) => owner);
  const known = [...new Set([HOST, ...owners.filter((owner) => owner !== SHARED), value])];
  return (
    <Select
      {...input}
      {...(input.id === undefined && { "aria-label": texts.memory.owner })}
      className={styles["select"] ?? ""}
      showSearch={{ optionFilterProp: "label" }}
      value={value}
      options={known.map((owner) => ({ value: owner, label: ownerName(owner) }))}
      onChange={onChange}
    />
  );
}
