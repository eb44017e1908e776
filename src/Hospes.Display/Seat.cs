namespace Hospes.Display;

/// <summary>Where a person would sit: the guest's screens, and the devices that are used with them. It stays over all lives of a domain. Thread-safe.</summary>
public sealed class Seat
{
    private readonly Lock _gate = new();
    private readonly Screen _empty = new(null, 0, 640, 480);
    private Screen[] _screens = [];

    /// <summary>The devices for keys and pointers.</summary>
    public InputHub Inputs { get; } = new();

    /// <summary>The screens, in the order in which they came.</summary>
    public IReadOnlyList<Screen> Screens => Volatile.Read(ref _screens);

    /// <summary>The first screen; a black one while there is none.</summary>
    public Screen Main => Screens.Count > 0 ? Screens[0] : _empty;

    /// <summary>Told when there are other <see cref="Screens"/>. It must not block.</summary>
    public event Action? ScreensChanged;

    /// <summary>Adds a screen.</summary>
    /// <param name="screen">The screen.</param>
    public void Add(Screen screen)
    {
        lock (_gate) _screens = [.. _screens, screen];
        ScreensChanged?.Invoke();
    }

    /// <summary>Takes a screen away.</summary>
    /// <param name="screen">The screen.</param>
    public void Remove(Screen screen)
    {
        lock (_gate) _screens = [.. _screens.Where(at => at != screen)];
        ScreensChanged?.Invoke();
    }
}
