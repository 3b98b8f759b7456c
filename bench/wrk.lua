-- What wrk sends: the requests of a file, one after the other, at the time of sending.
--
--     wrk … -s wrk.lua URL -- FILE CONNECTIONS_HANDED_OVER [HEADER VALUE …]
--
-- The first requests, one on each connection, can be for another route: whoever reads the first
-- request of a connection decides who serves it.

local requests, sent, handed_over = {}, 0, 0

local function read(path)
  local file = assert(io.open(path, "rb"))
  while true do
    local target = file:read("*l")
    if not target then break end
    local length = tonumber(file:read("*l"))
    local body = file:read(length)
    requests[#requests + 1] = { target = target, body = body, timed = body:find("@", 1, true) }
  end
  file:close()
end

function init(arguments)
  read(arguments[1])
  handed_over = tonumber(arguments[2])
  wrk.method = "POST"
  for at = 3, #arguments, 2 do
    wrk.headers[arguments[at]] = arguments[at + 1]
  end
end

function request()
  sent = sent + 1
  if sent <= handed_over then
    return wrk.format("GET", "/healthz")
  end
  local next = requests[(sent - 1) % #requests + 1]
  local body = next.body
  if next.timed then
    -- A second ago, so that no point is ahead of the server's clock; each request at its own time.
    local now_s = os.time() - 1
    body = body:gsub("@MS@", string.format("%d%03d", now_s, sent % 1000))
    body = body:gsub("@S@", tostring(now_s))
  end
  return wrk.format(nil, next.target, nil, body)
end

function done(summary, latency)
  local errors = summary.errors
  io.write(string.format(
    "tally requests=%d duration_us=%d refused=%d broken=%d\n", summary.requests, summary.duration,
    errors.status, errors.connect + errors.read + errors.write + errors.timeout
  ))
end
