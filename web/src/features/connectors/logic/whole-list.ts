import type { Pages } from "@/shared/ui/cursor-table/cursor-table";

interface Query {
  isLoading: boolean;
  error?: unknown;
  refetch: () => unknown;
}

/** A list that comes in one piece, for the table that reads pages. */
export function wholeList({ isLoading, error, refetch }: Query): Pages {
  return { isLoading, error, refetch, isFetchingNextPage: false, hasNextPage: false, fetchNextPage: refetch };
}
