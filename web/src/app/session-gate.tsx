import { Navigate, useLocation } from "react-router";

import { useGetSessionQuery } from "@/shared/api/session";
import { LiveProvider } from "@/shared/live/live-provider";
import { Loading } from "@/shared/ui/loading";
import { ProblemNotice } from "@/shared/ui/problem-notice";

import { Shell } from "./shell/shell";

/** Lets in who is logged in; others set up or log in first and come back to where they wanted to go. */
export function SessionGate() {
  const { data, error, refetch } = useGetSessionQuery();
  const { pathname, search } = useLocation();
  if (!data) {
    return (
      <main style={{ padding: 24 }}>
        {error ? <ProblemNotice problem={error} onRetry={() => void refetch()} /> : <Loading rows={6} />}
      </main>
    );
  }
  if (!data.user) {
    const next = encodeURIComponent(pathname + search);
    return <Navigate to={data.setup ? "/setup" : `/login?next=${next}`} replace />;
  }
  return (
    <LiveProvider>
      <Shell session={data} user={data.user} />
    </LiveProvider>
  );
}
