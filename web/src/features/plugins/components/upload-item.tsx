import { Progress } from "antd";
import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";

import { type Plugin, pluginPath, reviewTab } from "../logic/review";
import type { Upload } from "../use-uploads";
import styles from "./upload.module.css";

const words = texts.plugins.upload;

/** One file on its way, or what the host says of it. */
export function UploadItem({ upload }: { upload: Upload }) {
  const { name, manifest, state, progress, plugin, problem } = upload;
  return (
    <li>
      <div className={styles["line"]}>
        <span className={styles["name"]}>
          {name} {manifest && <small>{words.withManifest(manifest)}</small>}
        </span>
        {state === "waiting" && <StateTag state="waiting" label={words.waiting} />}
        {state === "sending" && (
          <StateTag state="running" label={progress < 1 ? words.sending : words.inspecting} />
        )}
        {plugin && <StateTag state={plugin.state} />}
      </div>
      {state === "sending" && (
        <Progress
          percent={Math.round(progress * 100)}
          size="small"
          showInfo={false}
          aria-label={words.progress(name)}
        />
      )}
      {plugin && <Taken plugin={plugin} />}
      <ProblemNotice problem={problem} />
    </li>
  );
}

function Taken({ plugin }: { plugin: Plugin }) {
  const tab = reviewTab(plugin);
  const action = tab === "upgrade" ? words.reviewUpgrade : tab ? words.review : words.open;
  return (
    <>
      <div className={styles["told"]}>
        <p>{words.taken(`${plugin.name} ${plugin.version}`.trim())}</p>
        <Link to={pluginPath(plugin.name, tab)}>{action}</Link>
      </div>
      {plugin.reason && <p className={styles["reason"]}>{plugin.reason}</p>}
    </>
  );
}
