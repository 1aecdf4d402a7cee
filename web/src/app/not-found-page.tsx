import CompassOutlined from "@ant-design/icons/CompassOutlined";
import { Link } from "react-router";

import { texts } from "@/shared/texts";
import { EmptyState } from "@/shared/ui/empty-state";
import { PageHeader } from "@/shared/ui/page-header";

/** For an address that is no page. */
export function NotFoundPage() {
  return (
    <>
      <PageHeader title={texts.problems.notFoundTitle} />
      <EmptyState
        icon={<CompassOutlined />}
        title={texts.problems.notFoundTitle}
        next={texts.problems.notFoundRemedy}
        action={<Link to="/">{texts.problems.toHome}</Link>}
      />
    </>
  );
}
