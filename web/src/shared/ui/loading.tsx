import { Skeleton } from "antd";

import { texts } from "@/shared/texts";

/** The shape of what comes. */
export function Loading({ rows = 3 }: { rows?: number }) {
  return (
    <div role="status" aria-label={texts.common.loading}>
      <Skeleton active title={false} paragraph={{ rows }} />
    </div>
  );
}
