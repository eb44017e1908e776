namespace Hospes.Cli.Images.Root;

/// <summary>
/// What is put into a root file system beside Debian's packages. The first start is told by a script of its own instead of cloud-init:
/// that takes a Python and, on a processor in software, as long as all the rest of the start; who wants it can install it.
/// </summary>
internal static class RootFiles
{
    /// <summary>Modules of the initial RAM disk: those of a virtual machine's disks.</summary>
    public const string InitramfsModules = "virtio_pci\nvirtio_mmio\nvirtio_blk\nvirtio_scsi\nsd_mod\next4\n";

    /// <summary>The initial RAM disk has these modules and no others.</summary>
    public const string InitramfsSettings = "MODULES=list\n";

    /// <summary>Writes a loader entry for a kernel that is installed, and takes it away with the kernel.</summary>
    public const string KernelHook = """
        #!/bin/sh
        # Keeps an entry of the Boot Loader Specification for each kernel: the host reads the kernel from the disk by it.
        set -e
        version=$1
        entry=/boot/loader/entries/debian-$version.conf
        if [ ! -e "/boot/vmlinuz-$version" ]; then
            rm -f "$entry"
            exit 0
        fi
        mkdir -p /boot/loader/entries
        cat >"$entry.new" <<END
        title Debian GNU/Linux
        version $version
        sort-key debian
        linux /boot/vmlinuz-$version
        initrd /boot/initrd.img-$version
        options $(cat /etc/kernel/cmdline)
        END
        mv "$entry.new" "$entry"

        """;

    /// <summary>Takes what a seed disk says, once per instance id.</summary>
    public const string FirstStart = """
        #!/bin/sh
        # Makes the host keys that are missing, then takes name, keys and a script from a NoCloud seed disk, once per instance id.
        set -u
        state=/var/lib/hospes
        [ -e /etc/ssh/ssh_host_ed25519_key ] || ! command -v ssh-keygen >/dev/null || ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key
        device=$(blkid -l -t LABEL=cidata -o device || blkid -l -t LABEL=CIDATA -o device) || exit 0
        seed=$(mktemp -d)
        mount -o ro "$device" "$seed" || exit 1
        trap 'umount "$seed"; rmdir "$seed"' EXIT

        # The value of a key at the left edge, without its quotes.
        value() {
            sed -n "s/^$1:[[:space:]]*//p" "$2" | head -n 1 | sed "s/^\"\(.*\)\"[[:space:]]*\$/\1/; s/^'\(.*\)'[[:space:]]*\$/\1/"
        }
        # The items of a list below a key at the left edge.
        items() {
            awk -v key="$1:" '
                index($0, key) == 1 { inside = 1; next }
                inside && /^[ \t]*-[ \t]/ { sub(/^[ \t]*-[ \t]+/, ""); sub(/^["\047]/, ""); sub(/["\047][ \t]*$/, ""); print; next }
                /^[^ \t#]/ { inside = 0 }' "$2"
        }

        id=$(value instance-id "$seed/meta-data")
        [ -n "$id" ] && [ "$id" = "$(cat "$state/instance-id" 2>/dev/null)" ] && exit 0
        mkdir -p "$state"
        name=$(value local-hostname "$seed/meta-data")
        config=/dev/null
        [ "$(head -n 1 "$seed/user-data")" = "#cloud-config" ] && config=$seed/user-data
        [ -n "$name" ] || name=$(value hostname "$config")
        if [ -n "$name" ]; then
            echo "$name" >/etc/hostname
            hostname "$name"
        fi
        keys=$(items public-keys "$seed/meta-data"; items ssh_authorized_keys "$config")
        if [ -n "$keys" ]; then
            mkdir -p -m 700 /root/.ssh
            printf '%s\n' "$keys" >>/root/.ssh/authorized_keys
            chmod 600 /root/.ssh/authorized_keys
        fi
        case $(head -c 2 "$seed/user-data") in
        '#!')
            install -m 700 "$seed/user-data" "$state/user-data"
            systemctl start --no-block hospes-user-data.service
            ;;
        esac
        grep -o '^[a-z_]*:' "$config" | grep -v -x -e hostname: -e ssh_authorized_keys: | while read -r key; do
            echo "user-data: '$key' is not known here; install cloud-init for it"
        done
        echo "$id" >"$state/instance-id"

        """;

    public const string FirstStartUnit = """
        [Unit]
        Description=Host keys, and what a NoCloud seed disk says
        After=local-fs.target
        Before=ssh.service network-pre.target systemd-user-sessions.service
        Wants=network-pre.target

        [Service]
        Type=oneshot
        RemainAfterExit=yes
        ExecStart=/usr/lib/hospes/first-start

        [Install]
        WantedBy=multi-user.target

        """;

    public const string UserDataUnit = """
        [Unit]
        Description=The script of the seed disk
        Wants=network-online.target
        After=network-online.target

        [Service]
        Type=oneshot
        ExecStart=/var/lib/hospes/user-data

        """;

    /// <summary>Every Ethernet card asks for an address.</summary>
    public const string Network = "[Match]\nType=ether\n\n[Network]\nDHCP=yes\n";

    /// <summary>The kernel's command line for a root with this UUID.</summary>
    public static string CommandLine(Guid uuid) => $"root=UUID={uuid} ro console=ttyS0";

    /// <summary>The file system table; the root grows with its disk.</summary>
    public static string FileSystemTable(Guid uuid) => $"UUID={uuid} / ext4 errors=remount-ro,x-systemd.growfs 0 1\n";
}
