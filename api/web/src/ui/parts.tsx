// The small parts that every page is made of.

import type { ComponentChildren } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import type { Problem } from "../api/problem";
import { Icon } from "./icon";

export function Trouble({ problem, again }: { problem: Problem; again?: () => void }) {
  return (
    <div class="trouble" role="alert">
      <p>{problem.detail}</p>
      <small>
        {problem.code}
        {problem.requestId !== null && <> · request {problem.requestId}</>}
      </small>
      {again && (
        <button type="button" onClick={again}>
          Try again
        </button>
      )}
    </div>
  );
}

/** What is wrong with a form, where no field of it says so itself. */
export function Refusal({ problem }: { problem: Problem | null }) {
  if (problem === null || problem.faults.length > 0) return null;
  return (
    <p class="fault" role="alert">
      {problem.detail}
    </p>
  );
}

interface ChoiceProps<T extends string> {
  label: string;
  /** Whether what stands around it says to the eye already what it is. */
  plain?: boolean;
  value: T;
  options: readonly (readonly [T, string])[];
  onChange: (value: T) => void;
}

/** One of a few, all in sight. */
export function Segments<T extends string>({ label, value, options, onChange }: ChoiceProps<T>) {
  return (
    <div class="segments" role="group" aria-label={label}>
      {options.map(([one, text]) => (
        <button key={one} type="button" aria-pressed={one === value} onClick={() => onChange(one)}>
          {text}
        </button>
      ))}
    </div>
  );
}

/** One of several, folded away. */
export function Choice<T extends string>({ label, plain = false, value, options, onChange }: ChoiceProps<T>) {
  return (
    <label class="choice">
      <span class={plain ? "unseen" : undefined}>{label}</span>
      <select value={value} onChange={(event) => onChange(event.currentTarget.value as T)}>
        {options.map(([one, text]) => (
          <option key={one} value={one}>
            {text}
          </option>
        ))}
      </select>
    </label>
  );
}

export interface FieldProps {
  label: string;
  value: string;
  onInput: (value: string) => void;
  type?: "text" | "email" | "password" | "number" | "search" | "datetime-local";
  fault?: string | undefined;
  hint?: string;
  autofocus?: boolean;
  autocomplete?: string;
  required?: boolean;
  placeholder?: string;
  maxLength?: number;
}

let serial = 0;

export function Field(props: FieldProps) {
  const [id] = useState(() => `field-${++serial}`);
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => {
    if (props.autofocus) input.current?.focus();
  }, []);
  const told = props.fault ?? props.hint;
  return (
    <div class="field">
      <label for={id}>{props.label}</label>
      <input
        ref={input}
        id={id}
        {...kindOf(props.type ?? "text")}
        value={props.value}
        required={props.required}
        placeholder={props.placeholder}
        maxLength={props.maxLength}
        autocomplete={props.autocomplete ?? "off"}
        spellcheck={false}
        aria-invalid={props.fault !== undefined}
        aria-describedby={told === undefined ? undefined : `${id}-told`}
        onInput={(event) => props.onInput(event.currentTarget.value)}
      />
      {told !== undefined && (
        <small id={`${id}-told`} class={props.fault === undefined ? undefined : "fault"}>
          {told}
        </small>
      )}
    </div>
  );
}

/** The kinds of inputs are a union of which a variable is no member. */
function kindOf(type: NonNullable<FieldProps["type"]>): { type: "text" } {
  // A number of ours may have a fraction.
  return (type === "number" ? { type, step: "any" } : { type }) as { type: "text" };
}

interface DialogProps {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
  broad?: boolean;
}

/** A dialog of the browser's own: it keeps the focus and closes with Escape. */
export function Dialog({ title, onClose, children, broad = false }: DialogProps) {
  const box = useRef<HTMLDialogElement>(null);
  useEffect(() => box.current?.showModal(), []);
  return (
    <dialog ref={box} class={broad ? "broad" : undefined} onClose={onClose} aria-label={title}>
      <header>
        <h2>{title}</h2>
        <button type="button" class="icon-button" aria-label="Close" onClick={() => box.current?.close()}>
          <Icon name="cross" />
        </button>
      </header>
      {children}
    </dialog>
  );
}

/** A text to be copied, with a button that does it and says so. */
export function Copied({ text, label, block = false }: { text: string; label: string; block?: boolean }) {
  const [done, setDone] = useState(false);
  const box = useRef<HTMLDivElement>(null);
  const copy = () => {
    // Over plain http browsers give no clipboard to pages: what is marked can be copied by hand.
    if (!window.isSecureContext) {
      getSelection()?.selectAllChildren(box.current?.firstElementChild ?? document.body);
      return;
    }
    void navigator.clipboard.writeText(text).then(() => {
      setDone(true);
      setTimeout(() => setDone(false), 1_500);
    });
  };
  return (
    <div ref={box} class={`copied${block ? " copied-block" : ""}`}>
      {block ? <pre tabIndex={0}>{text}</pre> : <code>{text}</code>}
      <button type="button" class="quiet" onClick={copy} aria-label={`Copy ${label}`}>
        <Icon name="copy" />
        {done ? "Copied" : "Copy"}
      </button>
    </div>
  );
}
