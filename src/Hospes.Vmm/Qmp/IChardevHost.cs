using System.Text.Json;

namespace Hospes.Vmm.Qmp;

/// <summary>A character device as a monitor shows it.</summary>
/// <param name="Label">Its id.</param>
/// <param name="FileName">What is behind it, as QEMU writes it: <c>unix:/run/x.sock,server=on</c>, <c>pty:/dev/pts/3</c>, <c>null</c>.</param>
/// <param name="FrontendOpen">Whether a device or a monitor uses it and listens.</param>
public sealed record ChardevInfo(string Label, string FileName, bool FrontendOpen);

/// <summary>The domain's character devices, for a monitor. Thread-safe.</summary>
public interface IChardevHost
{
    /// <summary>All of them.</summary>
    IReadOnlyList<ChardevInfo> List();

    /// <summary>Makes one.</summary>
    /// <param name="id">Its id; checked to be a name that QEMU takes, not to be free.</param>
    /// <param name="backend">QEMU's <c>ChardevBackend</c> (<c>qapi/char.json</c>): an object with <c>type</c> and <c>data</c>, of the right shape for the
    /// kinds that the monitor declares. Valid during the call.</param>
    /// <param name="pty">For one of the type <c>pty</c>, the path of the terminal; else null.</param>
    /// <returns>Null, or what is wrong in QEMU's words.</returns>
    string? TryAdd(string id, JsonElement backend, out string? pty);

    /// <summary>Ends one that nobody uses.</summary>
    /// <param name="id">Its id.</param>
    /// <returns>Null, or what is wrong in QEMU's words.</returns>
    string? TryRemove(string id);
}
