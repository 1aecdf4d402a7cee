import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { useShowPluginConfigQuery } from "../api/show-config";
import type { Plugin } from "../logic/review";
import { ConfigForm } from "./config-form";

const words = texts.plugins.care;

/** The plugin's settings; what it is told may be nobody else's business, so readers do not see it. */
export function ConfigTab({ plugin, mayRead }: { plugin: Plugin; mayRead: boolean }) {
  if (!mayRead) return <EmptyState title={words.configReader} next={words.configReaderNext} />;
  return <Config name={plugin.name} />;
}

function Config({ name }: { name: string }) {
  const { data, error, isLoading, refetch } = useShowPluginConfigQuery(name);
  if (isLoading) return <Loading rows={5} />;
  if (!data) return <ProblemNotice problem={error} onRetry={() => void refetch()} />;
  if (!data.schema && Object.keys(data.values).length === 0) {
    return <EmptyState title={words.noConfig} next={words.noConfigNext} />;
  }
  return <ConfigForm name={name} config={data} />;
}
