export function BoardPage(_: { id: string }) { return null; }
