import { Button } from "antd";
import { useRouteError } from "react-router";

import { asProblem } from "@/shared/api/problem";
import { texts } from "@/shared/texts";
import { PageHeader } from "@/shared/ui/page-header";
import { ProblemNotice } from "@/shared/ui/problem-notice";

/** Instead of a page that failed, also of one whose script was replaced by a newer build. */
export function RouteProblem() {
  const error = useRouteError();
  return (
    <div style={{ padding: 24 }}>
      <PageHeader
        title={texts.problems.pageTitle}
        lead={texts.problems.pageRemedy}
        actions={
          <Button type="primary" onClick={() => window.location.reload()}>
            {texts.problems.reload}
          </Button>
        }
      />
      <ProblemNotice problem={asProblem(error)} />
    </div>
  );
}
