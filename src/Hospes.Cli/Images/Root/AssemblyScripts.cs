namespace Hospes.Cli.Images.Root;

/// <summary>What runs in the guest that installs Debian's packages on a new disk. The order of the first packages is debootstrap's: each needs those before it.</summary>
internal static class AssemblyScripts
{
    /// <summary>Before a line that tells people how far it is, and before the last word.</summary>
    public const string Step = "[step] ", End = "[end] ";

    /// <summary>The packages that are installed first, in this order.</summary>
    public static IReadOnlyList<string> Core { get; } = ["base-passwd", "base-files", "dpkg", "libc6", "perl-base", "mawk", "debconf"];

    /// <summary>The tag of the folder with the packages, and the script's name in it.</summary>
    public const string Tag = "packages", Script = "install";

    /// <summary>The kernel's modules, in an order in which they can be loaded; what is built in, or differs from kernel to kernel, is left out.</summary>
    public static IReadOnlyList<string> Modules { get; } =
    [
        "virtio", "virtio_ring", "virtio_pci_modern_dev", "virtio_pci_legacy_dev", "virtio_pci", "virtio_blk",
        "crc16", "crc32c_generic", "libcrc32c", "mbcache", "jbd2", "ext4", "fuse", "virtiofs",
    ];

    /// <summary>What the small root does: lends the disk its file systems, and starts the script in it.</summary>
    public static string Init =>
        $"""
        for pass in 1 2; do for module in {string.Join(' ', Modules)}; do insmod /modules/$module.ko 2>/dev/null; done; done
        dmesg -n 1
        mkdir -p /target
        mount -t ext4 /dev/vda /target &&
            mount -t virtiofs {Tag} /target/mnt -o ro &&
            mount -t proc proc /target/proc && mount -t sysfs sys /target/sys && mount -t devtmpfs dev /target/dev && mount -t tmpfs run /target/run &&
            ln -s /proc/self/fd /target/dev/fd && ln -s fd/0 /target/dev/stdin && ln -s fd/1 /target/dev/stdout && ln -s fd/2 /target/dev/stderr &&
            chroot /target /bin/sh /mnt/{Script} </dev/null 2>&1
        status=$?
        for folder in run dev sys proc mnt; do umount /target/$folder; done
        umount /target || mount -o remount,ro /target || status=99
        echo '{End}'$status
        """;

    /// <summary>Installs the packages, in the new root.</summary>
    /// <param name="needed">The packages that every system has, with what they need.</param>
    /// <param name="others">All others.</param>
    public static string Install(IEnumerable<string> needed, IEnumerable<string> others) =>
        $$"""
        set -e
        export PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C DEBIAN_FRONTEND=noninteractive DEBCONF_NONINTERACTIVE_SEEN=true
        needed='{{string.Join(' ', needed)}}'
        others='{{string.Join(' ', others)}}'
        files() { for name; do echo "/mnt/$name.deb"; done; }
        # What is lost with the guest's power is made anew: nothing has to be on the disk at once.
        run() { dpkg --force-unsafe-io --force-depends --force-confold "$@"; }

        echo '{{Step}}install the core packages'
        ldconfig
        ln -sf mawk /usr/bin/awk
        [ -e /etc/localtime ] || ln -sf /usr/share/zoneinfo/UTC /etc/localtime
        for name in {{string.Join(' ', Core)}}; do
            # Its own script makes the link that the others before it did with.
            [ $name != mawk ] || rm -f /usr/bin/awk
            run --install "/mnt/$name.deb"
        done

        echo '{{Step}}install the packages that every system has'
        run --skip-same-version --unpack $(files $needed)
        run --force-configure-any --configure --pending

        echo '{{Step}}unpack the other packages'
        run --force-overwrite --skip-same-version --unpack $(files $others)
        echo '{{Step}}configure them'
        dpkg --force-unsafe-io --force-confold --configure -a
        dpkg --audit >/run/audit
        [ ! -s /run/audit ] || { cat /run/audit; exit 1; }

        # Who the copies of this disk are, they find out themselves (RootFiles); the console belongs to whoever started the guest.
        rm -f /etc/ssh/ssh_host_* /usr/sbin/policy-rc.d /var/lib/dbus/machine-id
        : >/etc/machine-id
        sed -i 's/^root:[^:]*:/root::/' /etc/shadow
        ! command -v fstrim >/dev/null || fstrim / || true

        """;

    /// <summary>Keeps services from being started while packages are installed (the policy-rc.d interface of invoke-rc.d).</summary>
    public const string NoServices = "#!/bin/sh\nexit 101\n";

    /// <summary>What dpkg is told it has, so that it can install itself.</summary>
    public static string Feigned(string version) => $"Package: dpkg\nVersion: {version}\nMaintainer: unknown\nStatus: install ok installed\n";
}
