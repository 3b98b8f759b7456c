// What to import: a file that is dropped or chosen, or another server that answers StatHat's requests.

import { useState } from "preact/hooks";
import { call } from "../api/client";
import { asProblem, type Problem } from "../api/problem";
import { Field, Refusal, Segments } from "../ui/parts";
import { say } from "../ui/toasts";
import type { Import } from "./import_models";

const PATH = "/v1/import/stathat";

type Kind = "counter" | "value";

const KINDS = [
  ["counter", "Counter"],
  ["value", "Value"],
] as const;

interface FormProps {
  /** Nothing can begin while another one goes on. */
  busy: boolean;
  onBegun: () => void;
}

/** Begins an import; a trial leaves the form as it is, so that the import itself is one click more. */
function useBegin(onBegun: () => void) {
  const [problem, setProblem] = useState<Problem | null>(null);
  const [sending, setSending] = useState(false);
  const begin = async (extra: Parameters<typeof call>[2]) => {
    setSending(true);
    setProblem(null);
    try {
      const one = await call<Import>("POST", PATH, extra);
      say(one.dry_run ? "It is tried; nothing will be changed." : "The import has begun.");
      onBegun();
    } catch (error) {
      setProblem(asProblem(error));
    }
    setSending(false);
  };
  return { problem, sending, begin };
}

export function FileForm({ busy, onBegun }: FormProps) {
  const { problem, sending, begin } = useBegin(onBegun);
  const [file, setFile] = useState<File | null>(null);
  const [over, setOver] = useState(false);
  const [stat, setStat] = useState("");
  const [type, setType] = useState<Kind>("counter");
  const lone = file !== null && /\.csv$/i.test(file.name);
  const send = (dry: boolean) => {
    if (file === null) return;
    const named = lone && stat !== "" ? { stat, type } : {};
    void begin({ file, params: { name: file.name, dry_run: dry, ...named } });
  };
  const drop = (event: DragEvent) => {
    event.preventDefault();
    setOver(false);
    setFile(event.dataTransfer?.files[0] ?? null);
  };
  return (
    <section class="card" aria-label="From a file">
      <h2>From a file</h2>
      <p class="muted">A zip of a StatHat export or of our own, one saved JSON answer, or one CSV. At most 1 GiB.</p>
      <label
        class={over ? "drop drop-over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={drop}
      >
        <input type="file" accept=".zip,.json,.csv" onChange={(event) => setFile(event.currentTarget.files?.[0] ?? null)} />
        <span>{file === null ? "Drop a file here, or choose one" : file.name}</span>
      </label>
      {lone && (
        <>
          <Field
            label="The stat it belongs to"
            value={stat}
            onInput={setStat}
            fault={problem?.of("stat")}
            hint="Left empty, the file must say it."
          />
          {stat !== "" && <Segments<Kind> label="Type" value={type} options={KINDS} onChange={setType} />}
        </>
      )}
      <Begin problem={problem} sending={sending} able={file !== null && !busy} onBegin={send} />
    </section>
  );
}

export function ServerForm({ busy, onBegun }: FormProps) {
  const { problem, sending, begin } = useBegin(onBegun);
  const [url, setUrl] = useState("");
  const [token, setToken] = useState("");
  const send = (dry: boolean) => void begin({ body: { url, token, dry_run: dry } });
  return (
    <section class="card" aria-label="From another server">
      <h2>From another server</h2>
      <p class="muted">One that answers StatHat's export requests, such as another StatFlow.</p>
      <Field label="Its address" value={url} onInput={setUrl} fault={problem?.of("url")} placeholder="https://stats.example.com" />
      <Field label="Access token" value={token} onInput={setToken} fault={problem?.of("token")} type="password" />
      <Begin problem={problem} sending={sending} able={url !== "" && token !== "" && !busy} onBegin={send} />
    </section>
  );
}

interface BeginProps {
  problem: Problem | null;
  sending: boolean;
  able: boolean;
  onBegin: (dry: boolean) => void;
}

function Begin({ problem, sending, able, onBegin }: BeginProps) {
  return (
    <>
      <Refusal problem={problem} />
      <div class="row">
        <button type="button" disabled={!able || sending} onClick={() => onBegin(true)}>
          Try it first
        </button>
        <button type="button" class="primary" disabled={!able || sending} onClick={() => onBegin(false)}>
          {sending ? "Sending…" : "Import"}
        </button>
      </div>
    </>
  );
}
