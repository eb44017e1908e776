namespace Hospes.Cli.Initramfs;

/// <summary>The scripts that the kernel starts as process 1 in a small root.</summary>
internal static class InitScript
{
    /// <summary>The prompt of the guest's shell.</summary>
    public const string Prompt = "guest:/# ";

    private const string Mounts =
        """
        #!/bin/sh
        export PATH=/bin HOME=/root TERM=${TERM:-linux}
        mount -t proc proc /proc
        mount -t sysfs sys /sys
        mount -t devtmpfs dev /dev
        mount -t tmpfs run /run
        hostname guest

        """;

    /// <summary>A shell on the console; the guest powers off when the shell ends.</summary>
    public static string Shell { get; } = Mounts +
        $"""
        export PS1='{Prompt}'
        cd /
        setsid cttyhack sh
        poweroff -f

        """;

    /// <summary>Commands without a person, then power-off.</summary>
    /// <param name="commands">Lines of shell.</param>
    public static string Run(string commands) => Mounts + commands + "\npoweroff -f\n";
}
