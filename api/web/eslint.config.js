import js from "@eslint/js";
import tseslint from "typescript-eslint";

export default tseslint.config(
  { ignores: ["node_modules/**", "*.config.js"] },
  js.configs.recommended,
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: {
      parserOptions: { project: ["./tsconfig.json"], tsconfigRootDir: import.meta.dirname },
    },
    rules: {
      "@typescript-eslint/no-explicit-any": "error",
      "@typescript-eslint/restrict-template-expressions": ["error", { allowNumber: true }],
      "@typescript-eslint/no-confusing-void-expression": ["error", { ignoreArrowShorthand: true }],
      // uPlot's enumerations are in its types only.
      "@typescript-eslint/no-unsafe-enum-assignment": "off",
      // Texts of users become text nodes and nothing else.
      "no-restricted-properties": [
        "error",
        { property: "innerHTML", message: "Texts are text nodes." },
        { property: "outerHTML", message: "Texts are text nodes." },
        { property: "insertAdjacentHTML", message: "Texts are text nodes." },
      ],
      "no-restricted-syntax": [
        "error",
        {
          selector: "JSXAttribute[name.name='dangerouslySetInnerHTML']",
          message: "Texts are text nodes.",
        },
      ],
    },
  },
  { files: ["*.config.ts"], ...tseslint.configs.disableTypeChecked, languageOptions: { parserOptions: { project: null } } },
);
