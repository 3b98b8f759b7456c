export function Boards() { return null; }
