import { rowsOf } from "@/shared/api/cursor-pages";

import { useListApprovalsInfiniteQuery } from "../api/list-approvals";
import { ApprovalCard } from "./approval-card";

/** What a run asks whoever looks at it. */
export function RunApprovals({ run }: { run: string }) {
  const { data } = useListApprovalsInfiniteQuery();
  const asked = rowsOf(data).filter((approval) => approval.run === run);
  return (
    <>
      {asked.map((approval) => (
        <ApprovalCard key={approval.place} approval={approval} />
      ))}
    </>
  );
}
