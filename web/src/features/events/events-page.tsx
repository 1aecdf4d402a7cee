import { useSearchParams } from "react-router";

import { texts } from "@/shared/texts";
import { PageHeader } from "@/shared/ui/page-header";

import { EventList } from "./components/event-list";
import { TopicFilter } from "./components/topic-filter";
import { ALL, isPattern } from "./logic/pattern";
import { withParts } from "@/shared/address";

/** What the host and its plugins tell, as it happens. */
export function EventsPage() {
  const [query, setQuery] = useSearchParams();
  const asked = query.get("topic") ?? ALL;
  const topic = isPattern(asked) ? asked : ALL;
  const show = (pattern: string) =>
    setQuery(withParts(query, { topic: pattern === ALL ? undefined : pattern, event: undefined }));
  return (
    <>
      <PageHeader title={texts.events.title} lead={texts.events.lead} />
      <TopicFilter key={`filter ${asked}`} topic={asked} onTopic={show} />
      <EventList key={`list ${topic}`} topic={topic} onTopic={show} />
    </>
  );
}
