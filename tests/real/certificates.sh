# SPDX-License-Identifier: MIT
# Sourced by tests over TLS. Needs: dir, and fail, which ends the test. Sets: etcd_pid.

# issue AUTHORITY NAME [,NAMES]: NAME.pem and NAME.key of NAME.example (and of NAMES,
# such as ,IP:127.0.0.1), signed by the authority, which is made if need be. The
# subject has no common name, which etcd would take for a user's.
issue() {
    key='-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes'
    printf '%s\n' "subjectAltName=DNS:$2.example${3:-}" \
        'extendedKeyUsage=serverAuth,clientAuth' >"$dir/extensions"
    # shellcheck disable=SC2086 # Several words.
    {
        [ -e "$dir/$1.pem" ] || openssl req -x509 $key -days 2 -subj "/CN=$1" \
            -keyout "$dir/$1.key" -out "$dir/$1.pem"
        openssl req $key -subj "/O=$2" -keyout "$dir/$2.key" -out "$dir/$2.csr"
        openssl x509 -req -in "$dir/$2.csr" -CA "$dir/$1.pem" -CAkey "$dir/$1.key" \
            -CAcreateserial -days 2 -extfile "$dir/extensions" -out "$dir/$2.pem"
    } >>"$dir/openssl.log" 2>&1 || { cat "$dir/openssl.log" >&2; fail "no certificate"; }
}

# start_etcd PORT [OPTION]...: at PORT and the next, with TLS as "etcd", for who has a
# certificate of "ca".
start_etcd() {
    url=https://127.0.0.1:$1 peer=http://127.0.0.1:$(($1 + 1))
    shift
    etcd --name m1 --data-dir "$dir/data" --log-level error \
        --cert-file "$dir/etcd.pem" --key-file "$dir/etcd.key" \
        --trusted-ca-file "$dir/ca.pem" --client-cert-auth \
        --listen-client-urls "$url" --advertise-client-urls "$url" \
        --listen-peer-urls "$peer" --initial-advertise-peer-urls "$peer" \
        --initial-cluster "m1=$peer" "$@" >"$dir/etcd.log" 2>&1 &
    etcd_pid=$!
}
