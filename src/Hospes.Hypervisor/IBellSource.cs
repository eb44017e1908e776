namespace Hospes.Hypervisor;

/// <summary>
/// Bells that reach a port past its queue: the host's kernel takes the guest's writes, and whoever waits on the port waits in the kernel, so that no
/// code of ours runs between the guest's write and the waiter's wake-up. An engine makes it (<see cref="Trap.Source"/>), the port owns it. Thread-safe.
/// </summary>
public interface IBellSource : IDisposable
{
    /// <summary>Takes a bell that rang, waiting for one if there is none.</summary>
    /// <param name="milliseconds">How long to wait; negative for ever, 0 not at all.</param>
    /// <param name="bell">The bell, or null.</param>
    /// <param name="address">The address that the guest wrote; writes that came before anyone looked count as one.</param>
    /// <returns>Whether a bell rang; false after <see cref="Wake"/> and when the time ran out, or for no reason.</returns>
    bool Wait(int milliseconds, out Trap? bell, out ulong address);

    /// <summary>Makes one waiter return, now or when it next waits.</summary>
    void Wake();
}
