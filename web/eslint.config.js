import js from "@eslint/js";
import checkFile from "eslint-plugin-check-file";
import jsxA11y from "eslint-plugin-jsx-a11y";
import reactHooks from "eslint-plugin-react-hooks";
import { defineConfig, globalIgnores } from "eslint/config";
import tseslint from "typescript-eslint";

const noBarrel = { group: ["antd/es/*", "antd/lib/*", "!antd/es/locale/*"], message: "Import from antd." };
const noApp = { group: ["@/app/*", "@/app"], message: "Only src/app knows src/app." };
const noFeatures = {
  group: ["@/features/*", "@/features"],
  message: "Features do not know each other; share by src/shared.",
};
const insideOnly = (...group) => ({ group, message: "Leave your own feature by @/shared only." });
const restricted = (...patterns) => ({
  "no-restricted-imports": ["error", { patterns: [noBarrel, ...patterns] }],
});

export default defineConfig(
  globalIgnores(["dist", "src/shared/api/schema.d.ts"]),
  {
    files: ["**/*.{js,mjs,ts,tsx}"],
    extends: [js.configs.recommended],
    plugins: { "check-file": checkFile },
    languageOptions: { globals: { process: "readonly", console: "readonly", URL: "readonly" } },
    rules: {
      "max-lines": ["error", 250],
      "check-file/filename-naming-convention": [
        "error",
        { "**/*.{js,mjs,ts,tsx}": "KEBAB_CASE" },
        { ignoreMiddleExtensions: true },
      ],
      "check-file/folder-naming-convention": ["error", { "src/**/": "KEBAB_CASE" }],
      eqeqeq: ["error", "smart"],
      "no-console": "error",
    },
  },
  { files: ["scripts/**"], rules: { "no-console": "off" } },
  { files: ["src/shared/texts/**"], rules: { "max-lines": "off" } }, // data: one file for a noun
  {
    files: ["src/**/*.{ts,tsx}", "vite.config.ts"],
    extends: [
      tseslint.configs.strictTypeChecked,
      jsxA11y.flatConfigs.recommended,
      reactHooks.configs.flat.recommended,
    ],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      "@typescript-eslint/no-misused-promises": ["error", { checksVoidReturn: { attributes: false } }],
      "@typescript-eslint/consistent-type-imports": "error",
      "@typescript-eslint/no-invalid-void-type": "off", // how RTK Query writes a request without arguments
      "@typescript-eslint/no-unused-vars": ["error", { ignoreRestSiblings: true, varsIgnorePattern: "^_" }],
    },
  },
  // The direction: app -> features -> shared.
  {
    files: ["src/app/**"],
    rules: restricted({
      group: ["@/features/*/*/*", "@/features/*/*-page"],
      message: "A feature shows its index and its entries.",
    }),
  },
  { files: ["src/features/*/*.{ts,tsx}"], rules: restricted(noApp, noFeatures, insideOnly("../*")) },
  { files: ["src/features/*/*/*.{ts,tsx}"], rules: restricted(noApp, noFeatures, insideOnly("../../*")) },
  { files: ["src/shared/**"], rules: restricted(noApp, noFeatures, insideOnly("**/features/*", "**/app/*")) },
);
