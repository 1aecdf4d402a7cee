import UserOutlined from "@ant-design/icons/UserOutlined";
import { skipToken } from "@reduxjs/toolkit/query/react";
import { useSearchParams } from "react-router";

import { useAddress } from "@/shared/hooks/use-address";
import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useShowEntityQuery } from "../api/show-entity";
import { HOST } from "../logic/question";
import { momentsOf, nameOf } from "../logic/timeline";
import { AskForm } from "./ask-form";
import styles from "./memory.module.css";
import { OwnerSelect } from "./owner-select";
import { Timeline } from "./timeline";

const words = texts.memory.entity;

/** All that is known of somebody or something. The name stands in the address. */
export function EntityTab() {
  const [params] = useSearchParams();
  const change = useAddress();
  const name = nameOf(params);
  const owner = params.get("owner") || HOST;
  return (
    <div className={styles["column"]}>
      <AskForm
        key={name}
        words={words}
        text={name}
        maxLength={200}
        onAsk={(next) => change({ name: next || undefined }, { isStep: true })}
      />
      <div className={styles["filters"]}>
        <OwnerSelect
          value={owner}
          onChange={(next) => change({ owner: next === HOST ? undefined : next }, { isStep: true })}
        />
      </div>
      <Known name={name} owner={owner} onShow={(id) => change({ memory: id }, { isStep: true })} />
    </div>
  );
}

interface Props {
  name: string;
  owner: string;
  onShow: (memory: string) => void;
}

function Known({ name, owner, onShow }: Props) {
  const { currentData, error, isFetching, refetch } = useShowEntityQuery(
    name === "" ? skipToken : { name, owner },
  );
  if (name === "") return <EmptyState icon={<UserOutlined />} title={words.start} next={words.startNext} />;
  if (error) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (!currentData) return isFetching ? <Loading rows={6} /> : null;
  const moments = momentsOf(currentData);
  if (moments.length === 0)
    return <EmptyState icon={<UserOutlined />} title={words.none(name)} next={words.noneNext} />;
  return (
    <>
      <p role="status" className={styles["muted"]}>
        {words.found(currentData.facts.length, currentData.memories.length)}
      </p>
      <Timeline label={words.timeline(name)} moments={moments} onShow={onShow} />
    </>
  );
}
