// What went wrong with a request, in the server's own words.

export interface FieldFault {
  code: string;
  message: string;
  field?: string;
  index?: number;
}

interface ProblemBody {
  title?: string;
  code?: string;
  detail?: string;
  request_id?: string;
  errors?: FieldFault[];
}

export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    readonly detail: string,
    readonly requestId: string | null = null,
    readonly faults: readonly FieldFault[] = [],
    readonly retryAfterS: number | null = null,
  ) {
    super(detail);
  }

  /** What is wrong with one field of a form, if that was said. */
  of(field: string): string | undefined {
    return this.faults.find((fault) => fault.field === field)?.message;
  }
}

/** The problem that a reply is; also of a proxy that answers with something else. */
export async function problemOf(reply: Response): Promise<Problem> {
  let body: ProblemBody = {};
  try {
    body = (await reply.json()) as ProblemBody;
  } catch {
    // Not ours: the status alone has to do.
  }
  const retry = Number(reply.headers.get("retry-after"));
  return new Problem(
    reply.status,
    body.code ?? `http_${reply.status}`,
    body.detail ?? body.title ?? `The server answered ${reply.status}.`,
    body.request_id ?? reply.headers.get("x-request-id"),
    body.errors ?? [],
    Number.isFinite(retry) && retry > 0 ? retry : null,
  );
}

/** Whatever was thrown, as a problem that can be shown. */
export function asProblem(error: unknown): Problem {
  if (error instanceof Problem) return error;
  const text = error instanceof Error ? error.message : String(error);
  return new Problem(0, "unreachable", `The server cannot be reached (${text}).`);
}
