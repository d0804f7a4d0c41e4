# Ask a server of `eutonia serve` to run a study, and print what it found (package httr2).
library(httr2)
server <- "http://localhost:8350"
text <- paste(readLines("study.toml", encoding = "UTF-8"), collapse = "\n")
job <- request(server) |> req_url_path("/api/v1/run") |>
  req_body_json(list(study = text)) |> req_perform() |> resp_body_json()
while (job$state %in% c("queued", "running")) {
  Sys.sleep(0.5)
  job <- request(paste0(server, job$self)) |> req_perform() |> resp_body_json()
}
found <- request(paste0(server, job$files$summary.json)) |> req_perform() |> resp_body_json()
cat(found$headline, unlist(found$in_short), sep = "\n")
