import { api } from "@/shared/api/base-api";

interface Question {
  expression: string;
  data: unknown;
  variables: Record<string, unknown>;
}

export const { useEvaluateExpressionQuery } = api.injectEndpoints({
  endpoints: (build) => ({
    evaluateExpression: build.query<{ value?: unknown }, Question>({
      query: (body) => ({ url: "api/v1/workflows/evaluate", method: "POST", body }),
      keepUnusedDataFor: 5,
    }),
  }),
});
