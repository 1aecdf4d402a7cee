import { locale } from "@/shared/language/language";
import { texts } from "@/shared/texts";
import { Facts } from "@/shared/ui/facts";
import { Panel } from "@/shared/ui/panel";
import { TimeAgo } from "@/shared/ui/time-ago";
import { count } from "@/shared/ui/units";

import { useShowCallLimitQuery } from "../api/show-call-limit";

const words = texts.plugins.overview.callLimit;
const EVERY_MS = 5000;

/** How many calls all hosts together make of a plugin at most. */
export function CallLimitPanel({ name }: { name: string }) {
  const { data } = useShowCallLimitQuery(name, { pollingInterval: EVERY_MS, skipPollingIfUnfocused: true });
  if (!data) return null;
  const { concurrent, per_second: rate, held, who, at } = data;
  return (
    <Panel title={words.title}>
      {concurrent === null && rate === null ? (
        <p>{words.none}</p>
      ) : (
        <Facts
          facts={[
            [
              words.atOnce,
              concurrent === null ? texts.common.none : words.held(count(concurrent), count(held)),
            ],
            [words.perSecond, rate === null ? texts.common.none : rate.toLocaleString(locale)],
            [
              words.set,
              <span key="set">
                {at !== null && <TimeAgo at={at} />} {who !== null && words.by(who)}
              </span>,
            ],
          ]}
        />
      )}
    </Panel>
  );
}
