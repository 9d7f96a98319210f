#!/bin/sh
# Starts containers as `docker compose up` does, with one difference. Compose recreates a container when its list of
# networks changes, and each service that comes or goes changes the lists of nginx and of the databases. The functions here
# connect and disconnect such a container while it runs. scripts/up.sh reads this file in the folder of the repository.
#
# Compose keeps a checksum of the definition at each container, and it cannot be changed there. A plain `docker compose up`
# therefore recreates once what was connected here; `docker compose run` does so too, unless it is given --no-deps.

# One line for each container that runs as its definition asked: "ID SERVICE SUM NETWORK...". SUM is Compose's checksum of
# the definition without its networks. NETWORK is a name with options, as `networks` prints them.
record=.secrets/.containers

# The configuration, on standard input, without the lists of networks and dependencies: neither needs a new container.
without_networks() {
    awk '
        /^[^ ]/ { part = $1 }
        part == "services:" && /^ ? ? ? ?[^ ]/ { left_out = $0 ~ /^    (networks|depends_on):/ }
        !left_out'
}

# The networks of each service, from the configuration on standard input: "SERVICE NAME;OPTION;VALUE NAME...". The options
# are those of `docker network connect`; one that begins with ? has no such option. With "all": "NAME INTERNAL SUBNET", of
# every network of the project.
networks() {
    awk -v all="${1:-}" '
        { line = $0; gsub(/"/, "", line); $0 = line }
        /^[^ ]/ { part = $1; next }
        /^  [^ ]/ { item = $1; sub(/:$/, "", item); key = ""; if (part == "services:") services[++count] = item; next }
        /^    [^ ]/ { key = $1 }
        part == "services:" && key == "networks:" && /^      [^ ]/ {
            network = $1
            sub(/:$/, "", network)
            lists[item] = lists[item] " " network
            next
        }
        part == "services:" && key == "networks:" && /^        [^ ]/ {
            option = $1
            if (NF == 1) next
            if (option == "ipv4_address:") option = "--ip"
            else if (option == "ipv6_address:") option = "--ip6"
            else option = "?" option
            options[item, network] = options[item, network] ";" option ";" $2
            next
        }
        part == "services:" && key == "networks:" && /^          / {
            value = $2
            if (option == "aliases:") value = "--alias;" value
            else if (option == "link_local_ips:") value = "--link-local-ip;" value
            else value = "?" option ";" $1 $2
            options[item, network] = options[item, network] ";" value
            next
        }
        part == "networks:" && key == "name:" && /^    name: / { names[item] = $2 }
        part == "networks:" && /^    external: true/ { external[item] = 1 }
        part == "networks:" && /^    internal: true/ { internal[item] = 1 }
        part == "networks:" && / subnet: [0-9.\/]+$/ { subnets[item] = $NF }
        END {
            if (all) {
                for (network in names) if (!external[network])
                    print names[network], internal[network] ? "true" : "false", subnets[network]
                exit
            }
            for (i = 1; i <= count; i++) {
                $0 = lists[services[i]]
                line = services[i]
                for (n = 1; n <= NF; n++) line = line " " names[$n] options[services[i], $n]
                print line
            }
        }'
}

# Reads the configuration: the project, one line for each service ("SERVICE SUM HASH NETWORK...", where HASH is what Compose
# keeps at the containers) and its networks.
read_definitions() {
    configuration=$(docker compose config) || return 1
    project=$(printf '%s\n' "$configuration" | sed -n 's/^name: //p' | tr -d '"')
    definitions=$({
        printf '%s\n' "$configuration" | without_networks | docker compose -f - config --hash '*' | sed 's/^/sum /'
        docker compose config --hash '*' | sed 's/^/hash /'
        printf '%s\n' "$configuration" | networks
    } | awk '
        $1 == "sum" && NF == 3 { sum[$2] = $3; next }
        $1 == "hash" && NF == 3 { hash[$2] = $3; next }
        $1 in sum && $1 in hash { $1 = $1 " " sum[$1] " " hash[$1]; print }')
    project_networks=$(printf '%s\n' "$configuration" | networks all)
}

# The services that `docker compose up SERVICE...` is about, dependencies included.
services_of() {
    docker compose config "$@" | awk '/^[^ ]/ { part = $1 } part == "services:" && /^  [^ ]/ { sub(/:$/, "", $1); print $1 }' | tr -d '"'
}

# The containers of the project: "ID SERVICE STATE HASH IMAGE NAME-OF-IMAGE", those of `docker compose run` left out.
containers() {
    # shellcheck disable=SC2046
    set -- $(docker ps -aq --no-trunc --filter "label=com.docker.compose.project=$project" --filter label=com.docker.compose.oneoff=False)
    [ $# -eq 0 ] || docker inspect --format '{{.Id}}{{with .Config.Labels}} {{index . "com.docker.compose.service"}}{{end}} {{.State.Status}}{{with .Config.Labels}} {{index . "com.docker.compose.config-hash"}} {{or (index . "com.docker.compose.image") "-"}}{{end}} {{.Config.Image}}' "$@"
}

# Lines for the functions below, each with what it is in front.
known() {
    printf '%s\n' "$services" | sed 's/^/scope /'
    [ ! -e "$record" ] || sed 's/^/record /' "$record"
    printf '%s\n' "$definitions" | sed 's/^/definition /'
    containers | sed 's/^/container /'
}

# What is to be done with the containers of $services: "keep ID SERVICE IMAGE NAME-OF-IMAGE" where nothing but networks or
# dependencies has changed, "same ..." where nothing has, and "change ..." for all others.
compare() {
    known | awk '
        function name(network) { sub(/;.*/, "", network); return network }
        $1 == "scope" { scope[$2] = 1 }
        $1 == "record" { recorded[$2] = $4; count_of[$2] = NF - 4; for (i = 5; i <= NF; i++) had[$2, name($i)] = $i }
        $1 == "definition" { sum[$2] = $3; hash[$2] = $4; $1 = $3 = $4 = ""; lists[$2] = $0 }
        $1 == "container" && $3 in scope {
            keep = $4 == "running" && $2 in recorded && recorded[$2] == sum[$3]
            same = $5 == hash[$3]
            size = split(lists[$3], list, " ")
            if ($2 in recorded && count_of[$2] != size - 1) same = 0
            for (i = 2; i <= size; i++) {
                before = had[$2, name(list[i])]
                if ($2 in recorded && before == "") same = 0
                # Options are given when a container is connected, and there must be a way to give them.
                if (before == "" ? list[i] ~ /;\?/ : before != list[i]) keep = 0
            }
            verdict = same ? "same" : keep ? "keep" : "change"
            # Containers of one service go together.
            if (!($3 in verdicts) || verdict == "change" || verdict == "keep" && verdicts[$3] == "same") verdicts[$3] = verdict
            if (!keep) fixed[$3] = 1
            lines[++count] = $2 " " $3 " " $6 " " $7
            services[count] = $3
        }
        END {
            for (i = 1; i <= count; i++) {
                service = services[i]
                print verdicts[service] == "keep" && fixed[service] ? "change" : verdicts[service], lines[i]
            }
        }'
}

# The same, where a newer image of the same name is a change, too.
compare_images() {
    while read -r verdict id service image name; do
        [ "$verdict" = change ] || [ "$image" = - ] || [ "$(docker image inspect --format '{{.Id}}' "$name" 2>/dev/null)" = "$image" ] || verdict=change
        echo "$verdict $id $service"
    done | awk '
        { lines[NR] = $2 " " $3; services[NR] = $3; if ($1 == "change" || !($3 in verdicts)) verdicts[$3] = $1 }
        END { for (i = 1; i <= NR; i++) print verdicts[services[i]], lines[i] }'
}

networks_of() { docker inspect --format '{{range $name, $_ := .NetworkSettings.Networks}}{{println $name}}{{end}}' "$1"; }
definition_of() { printf '%s\n' "$definitions" | awk -v service="$1" '$1 == service { $1 = $2 = $3 = ""; print }'; }

# Connects the containers in $kept to what their definitions list.
connect() {
    printf '%s\n' "$kept" | while read -r id service; do
        actual=$(networks_of "$id") || exit 1
        for network in $(definition_of "$service"); do
            name=${network%%;*}
            ! printf '%s\n' "$actual" | grep -qxF -- "$name" || continue
            # shellcheck disable=SC2046
            docker network connect --alias "$service" $(printf '%s' "${network#"$name"}" | tr ';' ' ') "$name" "$id" || exit 1
            echo "connected $service to the network $name while it runs"
        done
    done
}

# Disconnects the containers in $kept from what their definitions listed before and list no more.
disconnect() {
    printf '%s\n' "$kept" | while read -r id service; do
        actual=$(networks_of "$id") || exit 1
        before=$(awk -v id="$id" '$1 == id { $1 = $2 = $3 = ""; print }' "$record")
        for network in $before; do
            name=${network%%;*}
            printf '%s\n' "$actual" | grep -qxF -- "$name" || continue
            case " $(definition_of "$service") " in *" $name "* | *" $name;"*) continue ;; esac
            docker network disconnect "$name" "$id" || exit 1
            echo "disconnected $service from the network $name while it runs"
        done
    done
}

# The networks that Docker has: "NAME PROJECT INTERNAL SUBNET...".
existing_networks() {
    # shellcheck disable=SC2046
    docker network inspect --format '{{.Name}} {{or (index .Labels "com.docker.compose.project") "-"}} {{.Internal}}{{range .IPAM.Config}} {{.Subnet}}{{end}}' \
        $(docker network ls -q --no-trunc)
}

# Removes the networks of the project whose address range or reach is another now, with their containers: some versions
# of Compose leave such a network as it is, others connect its containers without their names.
remove_changed_networks() {
    changed=$({
        printf '%s\n' "$project_networks" | sed 's/^/wanted /'
        existing_networks
    } | awk -v project="$project" '
        $1 == "wanted" { internal[$2] = $3; subnet[$2] = $4; next }
        $2 == project && $1 in internal && (internal[$1] != $3 || subnet[$1] != "" && index($0 " ", " " subnet[$1] " ") == 0) { print $1 }')
    for name in $changed; do
        for id in $(docker ps -aq --filter "network=$name"); do
            docker stop "$id" >/dev/null && docker rm "$id" >/dev/null || return 1
        done
        docker network rm "$name" >/dev/null || return 1
        echo "removed the network $name: its definition has changed"
    done
}

# Removes the networks of the project that the configuration has no more and that no container is on.
remove_unused_networks() {
    for name in $(docker network ls --format '{{.Name}}' --filter "label=com.docker.compose.project=$project"); do
        ! printf '%s\n' "$project_networks" | cut -d ' ' -f 1 | grep -qxF -- "$name" || continue
        [ -z "$(docker ps -aq --filter "network=$name")" ] || continue
        docker network rm "$name" >/dev/null && echo "removed the network $name, which no service uses"
    done
    return 0
}

# Says in plain words why networks are missing, where it is for want of addresses.
explain_missing_networks() {
    full=''
    if docker network create "${project}_probe" >/dev/null 2>&1; then docker network rm "${project}_probe" >/dev/null; else full=yes; fi
    {
        existing_networks | sed 's/^/there /'
        printf '%s\n' "$project_networks" | sed 's/^/wanted /'
    } | awk -v full="$full" '
        function number(address, part) { split(address, part, "."); return ((part[1] * 256 + part[2]) * 256 + part[3]) * 256 + part[4] }
        function first(range, part) { split(range, part, "/"); return number(part[1]) }
        function last(range, part) { split(range, part, "/"); return number(part[1]) + 2 ^ (32 - part[2]) - 1 }
        $1 == "there" { there[$2] = 1; for (i = 5; i <= NF; i++) if ($i ~ /^[0-9.]+\//) { ranges[++count] = $i; owners[count] = $2; projects[count] = $3 } }
        $1 == "wanted" && !($2 in there) {
            if ($4 == "") { if (full) exhausted = exhausted " " $2; next }
            for (i = 1; i <= count; i++) if (first($4) <= last(ranges[i]) && first(ranges[i]) <= last($4)) {
                print "The network " $2 " needs the addresses " $4 ". The network " owners[i] (projects[i] == "-" ? "" : " of the project " projects[i]) " has " ranges[i] "."
                found = 1
            }
        }
        END {
            if (exhausted) print "Docker has no address range left for the networks" exhausted ". Remove networks that nothing uses: docker network prune."
            if (found) print "Choose another block of addresses (a /19 that nothing else uses) with the setting nginx.subnets in osgs.yaml, run create-osgs again, then make up."
        }' >&2
}

# Writes the record of what runs now. A container that this start was not about keeps its line.
remember() {
    mkdir -p "${record%/*}" && chmod 700 "${record%/*}" || return 1
    [ -e "${record%/*}/.gitignore" ] || echo '*' >"${record%/*}/.gitignore"
    known | awk '
        $1 == "scope" { scope[$2] = 1 }
        $1 == "record" { sub(/^record /, ""); lines[$1] = $0 }
        $1 == "definition" { sub(/^definition /, ""); service = $1; $3 = ""; definition[service] = $0 }
        $1 == "container" && $3 in scope && $3 in definition { lines[$2] = $2 " " definition[$3] }
        $1 == "container" && $2 in lines { print lines[$2] }' >"$record.new" && mv "$record.new" "$record"
}

# The containers of the lines "keep ID SERVICE" on standard input, where all of a service still run: "ID SERVICE". One that
# is gone was one too many.
still_running() {
    while read -r _ id service; do
        state=$(docker inspect --format '{{.State.Status}}' "$id" 2>/dev/null) || state=gone
        echo "$state $id $service"
    done | awk '
        $1 == "running" { lines[++count] = $2 " " $3; services[count] = $3 }
        $1 != "running" && $1 != "gone" { stopped[$3] = 1 }
        END { for (i = 1; i <= count; i++) if (!(services[i] in stopped)) print lines[i] }'
}

# converge SERVICE...: creates networks and new containers, recreates the changed ones, connects those that are kept, and
# starts all in the order of their dependencies.
converge() {
    verdicts=$(compare)
    ! printf '%s\n' "$verdicts" | grep -q '^keep ' || verdicts=$(printf '%s\n' "$verdicts" | compare_images)
    if ! printf '%s\n' "$verdicts" | grep -q '^keep '; then
        docker compose up -d --remove-orphans "$@"
        return
    fi
    COMPOSE_IGNORE_ORPHANS=true docker compose up --no-start --no-recreate "$@" || return 1
    kept=$(printf '%s\n' "$verdicts" | grep '^keep ' | still_running)
    # A container without a verdict is a new one.
    changed=$(printf '%s\n' "$kept" "$verdicts" | awk 'NF == 2 { kept[$2] = 1 } NF == 3 && $1 != "same" && !($3 in kept) { print $3 }' | sort -u)
    # shellcheck disable=SC2086
    [ -z "$changed" ] || COMPOSE_IGNORE_ORPHANS=true docker compose up --no-start --no-deps $changed || return 1
    connect && docker compose up -d --no-recreate --remove-orphans "$@" && disconnect
}

# start_stack [SERVICE...]
start_stack() (
    umask 077
    read_definitions && services=$(services_of "$@") && remove_changed_networks || exit 1
    if ! converge "$@"; then
        explain_missing_networks
        exit 1
    fi
    remove_unused_networks
    remember
)
