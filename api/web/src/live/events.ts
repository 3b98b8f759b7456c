// Server-sent events from bytes. Pure, but for the decoder's own memory.

export interface ServerEvent {
  name: string;
  id: string | null;
  data: string;
}

/** Takes pieces of text as they come and gives the events that are whole. */
export class EventReader {
  private rest = "";

  feed(text: string): ServerEvent[] {
    this.rest += text;
    const blocks = this.rest.split("\n\n");
    this.rest = blocks.pop() ?? "";
    return blocks.map(parsed).filter((event) => event !== null);
  }
}

/** The events of a reply as its pieces come; none in a piece that only says that it is still there. */
export async function* eventsOf(reply: Response): AsyncGenerator<ServerEvent[]> {
  if (reply.body === null) throw new Error("no body");
  const reader = reply.body.pipeThrough(new TextDecoderStream()).getReader();
  const events = new EventReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    yield events.feed(value);
  }
}

function parsed(block: string): ServerEvent | null {
  let name = "message";
  let id: string | null = null;
  const data: string[] = [];
  for (const line of block.split("\n")) {
    if (line.startsWith("event: ")) name = line.slice(7);
    else if (line.startsWith("id: ")) id = line.slice(4);
    else if (line.startsWith("data: ")) data.push(line.slice(6));
  }
  return data.length === 0 ? null : { name, id, data: data.join("\n") };
}
