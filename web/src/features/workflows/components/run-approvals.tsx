import { rowsOf } from "@/shared/api/cursor-pages";

import { useListApprovalsInfiniteQuery } from "../api/list-approvals";
import { ApprovalCard } from "./approval-card";

/** What a run asks whoever looks at it. */
export function RunApprovals({ run }: { run: string }) {
  const { data } = useListApprovalsInfiniteQuery({ run });
  return (
    <>
      {rowsOf(data).map((approval) => (
        <ApprovalCard key={approval.place} approval={approval} />
      ))}
    </>
  );
}
