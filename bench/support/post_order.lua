-- The same kilobyte as in order.ts.
wrk.method = "POST"
wrk.headers["Content-Type"] = "application/json"
wrk.body = '{"items":[' .. string.rep('{"article":1234,"quantity":3},', 33) .. '{"article":1234,"quantity":3}]}'
