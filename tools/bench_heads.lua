-- For wrk: the requests of a browser, 1,024 different ones in turn, since a proxy that keeps what it
-- has parsed would be flattered by one that never changes. At the end one line of JSON is printed.

local VARIETY = 1024
local FIELDS = {
  ["User-Agent"] = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
  ["Accept"] = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
  ["Accept-Language"] = "en-GB,en;q=0.7,de;q=0.3",
  ["Accept-Encoding"] = "gzip, deflate, br",
  ["Upgrade-Insecure-Requests"] = "1",
  ["Sec-Fetch-Dest"] = "document",
  ["Sec-Fetch-Mode"] = "navigate",
}

local requests, turn = {}, 0

function init(args)
  for name, value in pairs(FIELDS) do
    wrk.headers[name] = value
  end
  for number = 1, VARIETY do
    local path = wrk.path .. "?page=" .. number
    if wrk.path == "/" then
      path = string.format("/news/%d/article-%x?page=%d", 2000 + number % 27, number * 7919, number)
    end
    local cookie = "session=%08x%08x; theme=dark; seen=%d"
    wrk.headers["Cookie"] = cookie:format(number * 2654435, number * 40503, number)
    requests[number] = wrk.format("GET", path)
  end
end

function request()
  turn = turn % VARIETY + 1
  return requests[turn]
end

-- Times come in microseconds.
function done(summary, latency, _)
  local failed = summary.errors
  local line = '{"requests": %d, "size": %d, "seconds": %.6f, "p50": %.6f, "p99": %.6f, '
    .. '"errors": {"connect": %d, "read": %d, "write": %d, "status": %d, "timeout": %d}}\n'
  io.write(line:format(
    summary.requests, summary.bytes, summary.duration / 1e6,
    latency:percentile(50) / 1e6, latency:percentile(99) / 1e6,
    failed.connect, failed.read, failed.write, failed.status, failed.timeout))
end
