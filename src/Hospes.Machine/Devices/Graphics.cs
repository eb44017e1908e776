using Hospes.Display;
using Hospes.Virtio;

namespace Hospes.Machine;

/// <summary>A graphics adapter over all lives of the domain: its screens stay. Thread-safe.</summary>
internal sealed class Graphics : IDisposable
{
    private readonly Seat _seat;
    private readonly Screen[] _screens;
    private GpuDevice? _device;

    public Graphics(GpuOptions options, Seat seat)
    {
        Options = options;
        _seat = seat;
        _screens = [.. Enumerable.Range(0, options.Screens).Select(head => new Screen(options.Id, head, options.Width, options.Height))];
        foreach (Screen screen in _screens)
        {
            screen.WantedChanged += () => Volatile.Read(ref _device)?.ModeChanged();
            seat.Add(screen);
        }
    }

    /// <summary>What the device is made of.</summary>
    public GpuOptions Options { get; }

    /// <summary>Makes the device for a life.</summary>
    public GpuDevice MakeDevice()
    {
        var device = new GpuDevice(new GpuSettings(Options.HostMemory, Options.HasEdid), [.. _screens.Select(static screen => new ScreenOutput(screen))]);
        Volatile.Write(ref _device, device);
        return device;
    }

    /// <summary>Takes the screens away.</summary>
    public void Dispose()
    {
        foreach (Screen screen in _screens) _seat.Remove(screen);
    }
}
