import { Link, useParams } from "react-router";

import { begun } from "@/shared/api/problem";
import type { Schemas } from "@/shared/api/types";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Loading } from "@/shared/ui/loading";
import { PageHeader } from "@/shared/ui/page-header";
import { Panel } from "@/shared/ui/panel";
import { ProblemNotice } from "@/shared/ui/problem-notice";
import { StateTag } from "@/shared/ui/state-tag";
import { TimeAgo } from "@/shared/ui/time-ago";
import { bytes, list } from "@/shared/ui/units";

import { useShowGalleryPluginQuery } from "./api/show-gallery-plugin";
import { GalleryIcon } from "./components/gallery-icon";
import { Standing, Verified } from "./components/gallery-tags";
import styles from "./components/gallery.module.css";
import { InstallButton } from "./components/install-button";
import overview from "./components/overview.module.css";
import { Readme } from "./components/readme";
import { ScopeList } from "./components/scope-list";
import { offerOf } from "./logic/gallery";
import { pluginPath } from "./logic/review";

const words = texts.plugins.gallery;
type Version = Schemas["GalleryVersion"];

/** One plugin of the gallery: what its index says of it, and the way to install it. */
export function GalleryEntryPage() {
  const { name = "" } = useParams();
  const { currentData, error, isFetching, refetch } = useShowGalleryPluginQuery(name);
  if (!currentData) {
    return (
      <>
        <PageHeader title={name} lead={<Link to="/gallery">{words.all}</Link>} />
        {isFetching ? <Loading rows={8} /> : <ProblemNotice problem={error} onRetry={() => void refetch()} />}
      </>
    );
  }
  const { entry, versions, readme } = currentData;
  const { newest, installed } = entry;
  const offer = offerOf(entry);
  return (
    <>
      <PageHeader
        title={entry.name}
        tags={
          <>
            <Verified version={newest} />
            <Standing entry={entry} />
          </>
        }
        lead={<Link to="/gallery">{words.all}</Link>}
        actions={
          <>
            {installed !== null && <Link to={pluginPath(entry.name)}>{words.toPlugin}</Link>}
            {offer && <InstallButton name={entry.name} reference={newest.reference} installed={installed} />}
          </>
        }
      />
      <div className={overview["grid"]}>
        <div className={overview["column"]}>
          <Panel title={texts.plugins.overview.about}>
            <div className={styles["top"]}>
              <GalleryIcon entry={entry} />
              <p className={overview["description"]}>
                {entry.description || texts.plugins.overview.noDescription}
              </p>
            </div>
          </Panel>
          <Asks of={newest} />
          <Panel title={words.readme} extra={readme && words.readmeHint}>
            {readme ? <Readme text={readme} /> : <p className={styles["muted"]}>{words.noReadme}</p>}
          </Panel>
        </div>
        <div className={overview["column"]}>
          {newest.advisories.length > 0 && <Advisories of={newest} />}
          <Panel title={words.facts}>
            <Facts facts={factsOf(newest, entry)} />
          </Panel>
          <Panel title={words.versions}>
            <ul className={styles["rows"]} aria-label={words.versions}>
              {versions.map((one) => (
                <li key={one.version}>
                  <span>
                    <strong>{one.version}</strong> <TimeAgo at={one.added_at} />
                  </span>
                  <span>
                    {bytes(one.size_bytes)}{" "}
                    {one.revoked && <StateTag state="revoked" tone="bad" label={words.revoked} />}
                  </span>
                </li>
              ))}
            </ul>
          </Panel>
        </div>
      </div>
    </>
  );
}

function Asks({ of: { capabilities } }: { of: Version }) {
  const rights = texts.plugins.rights;
  return (
    <Panel title={rights.asks}>
      {capabilities.length === 0 ? (
        <p className={styles["muted"]}>{rights.asksNothingNext}</p>
      ) : (
        <ul className={styles["blocks"]} aria-label={rights.asks}>
          {capabilities.map(({ name, reason, scope }) => (
            <li key={name}>
              <strong>{rights.kinds[name]?.title ?? name}</strong> <code>{name}</code>
              <blockquote>{reason || rights.noReason}</blockquote>
              <ScopeList scope={scope} />
            </li>
          ))}
        </ul>
      )}
    </Panel>
  );
}

function Advisories({ of: { advisories } }: { of: Version }) {
  return (
    <Panel title={words.advisories}>
      <ul className={styles["blocks"]} aria-label={words.advisories}>
        {advisories.map((one) => (
          <li key={one.id}>
            <StateTag state={one.severity} tone={one.revoked ? "bad" : "warn"} label={one.severity} />{" "}
            <strong>{one.id}</strong>
            <p>{one.summary}</p>
          </li>
        ))}
      </ul>
    </Panel>
  );
}

function factsOf(newest: Version, { author, index }: Schemas["GalleryEntry"]): [string, React.ReactNode][] {
  const none = texts.common.none;
  return [
    [words.version, newest.version],
    [
      words.publisher,
      <span key="publisher">
        {newest.publisher || words.nobody}{" "}
        <small>
          {begun(newest.trust)}. {words.claim}
        </small>
      </span>,
    ],
    [words.author, author || none],
    [words.licence, newest.licence || none],
    [words.languages, newest.languages.length > 0 ? list(newest.languages) : none],
    [words.exports, newest.functions.length > 0 ? list(newest.functions) : none],
    [words.size, bytes(newest.size_bytes)],
    [words.added, <TimeAgo key="added" at={newest.added_at} />],
    [words.index, index],
  ];
}
