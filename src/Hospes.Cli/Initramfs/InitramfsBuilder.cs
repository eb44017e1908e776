using System.Text;

namespace Hospes.Cli.Initramfs;

/// <summary>Builds a small root for a guest: a static busybox with a link per applet, device nodes, and an init script.</summary>
internal static class InitramfsBuilder
{
    /// <summary>Folders of the root, parents first.</summary>
    private static readonly string[] Folders = ["bin", "dev", "etc", "proc", "root", "run", "sys", "tmp"];

    /// <summary>
    /// The kernel opens <c>/dev/console</c> for init before anything is mounted; the numbers are of the kernel's
    /// Documentation/admin-guide/devices.txt.
    /// </summary>
    private static readonly (string Path, uint Major, uint Minor)[] Devices =
        [("dev/console", 5, 1), ("dev/null", 1, 3), ("dev/zero", 1, 5), ("dev/tty", 5, 0), ("dev/ttyS0", 4, 64), ("dev/kmsg", 1, 11)];

    /// <summary>Writes the archive.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="busybox">The program.</param>
    /// <param name="init">The script that the kernel starts.</param>
    /// <param name="more">Further files, by their paths; each in a folder of its own below the root.</param>
    public static void Write(Stream output, ReadOnlySpan<byte> busybox, string init, IReadOnlyDictionary<string, byte[]>? more = null)
    {
        const uint Executable = 0x1ED;
        using var cpio = new CpioWriter(output);
        foreach (string folder in Folders.Concat((more?.Keys ?? []).Select(static path => path[..path.IndexOf('/')]).Distinct())) cpio.Directory(folder);
        foreach ((string path, uint major, uint minor) in Devices) cpio.CharacterDevice(path, major, minor);
        cpio.File("bin/busybox", busybox, Executable);
        foreach (string applet in BusyboxApplets.Find(busybox))
        {
            if (applet != "busybox") cpio.Link($"bin/{applet}", "busybox");
        }

        cpio.File("etc/passwd", "root::0:0:root:/root:/bin/sh\n"u8);
        cpio.File("etc/group", "root:x:0:\n"u8);
        foreach ((string path, byte[] content) in more ?? new Dictionary<string, byte[]>()) cpio.File(path, content);
        cpio.File("init", Encoding.UTF8.GetBytes(init), Executable);
    }
}
