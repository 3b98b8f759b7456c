// The icons, drawn here: nothing is fetched from anywhere.

const PATHS: Record<string, string> = {
  mark: "M3 15l5-6 4 3 4-7 5 5",
  pulse: "M3 12h4l3-8 4 16 3-8h4",
  grid: "M4 4h7v9H4zM13 4h7v5h-7zM13 11h7v9h-7zM4 15h7v5H4z",
  layers: "M4 18V9m5 9V5m5 13v-7m5 7V7",
  bell: "M6 16V11a6 6 0 0112 0v5l2 2H4zM10 21h4",
  cog: "M12 9a3 3 0 100 6 3 3 0 000-6zM12 3v3m0 12v3m9-9h-3M6 12H3m15.4-6.4l-2.1 2.1M7.7 16.3l-2.1 2.1m0-12.8l2.1 2.1m8.6 8.6l2.1 2.1",
  sun: "M12 8a4 4 0 100 8 4 4 0 000-8zM12 2v3m0 14v3m10-10h-3M5 12H2m17-7l-2 2M7 17l-2 2M5 5l2 2m10 10l2 2",
  moon: "M20 14.5A8.5 8.5 0 019.5 4 8.5 8.5 0 1020 14.5z",
  half: "M12 3a9 9 0 100 18zM12 3a9 9 0 010 18",
  search: "M10.5 4a6.5 6.5 0 100 13 6.5 6.5 0 000-13zM15.5 15.5L21 21",
  copy: "M9 9h11v11H9zM15 9V4H4v11h5",
  down: "M12 4v12m-5-5l5 5 5-5M4 20h16",
  bin: "M4 7h16M9 7V4h6v3m-8 0l1 13h8l1-13",
  plus: "M12 5v14M5 12h14",
  cross: "M6 6l12 12M18 6L6 18",
  pen: "M4 20l1-4L16 5l3 3L8 19z",
  back: "M15 5l-7 7 7 7",
  full: "M4 9V4h5m6 0h5v5m0 6v5h-5m-6 0H4v-5",
  share: "M12 15V4m-4 4l4-4 4 4M5 12v8h14v-8",
  drag: "M9 5v.1M9 12v.1M9 19v.1M15 5v.1M15 12v.1M15 19v.1",
};

export function Icon({ name }: { name: string }) {
  return (
    <svg class="icon" viewBox="0 0 24 24" aria-hidden="true">
      <path d={PATHS[name] ?? ""} />
    </svg>
  );
}
